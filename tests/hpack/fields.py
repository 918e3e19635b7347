#!/usr/bin/env python3
"""Writes fields.txt: header lists as gRPC has them, and some that are odd; lines with ! change the table's size."""
import random

pick = random.Random(7541)
TOKEN = "Bearer " + "".join(pick.choice("ABCDEFGHabcdefgh0123456789-_.") for _ in range(400))


def answer():
    fields = [(":status", pick.choice(["200"] * 6 + ["204", "404", "503", "599"])), ("content-type", "application/grpc")]
    if pick.random() < 0.5:
        fields.append(("date", f"Mon, 21 Oct 2013 20:13:{pick.randrange(60):02} GMT"))
    if pick.random() < 0.3:
        fields.append(("server", pick.choice(["envoy", "nginx/1.22.1", "Apache"])))
    if pick.random() < 0.3:
        fields.append(("x-request-id", f"{pick.getrandbits(128):032x}"))
    if pick.random() < 0.2:
        fields.append(("set-cookie", f"session={pick.getrandbits(64):x}; path=/"))
    return fields


def trailers():
    code = pick.choice([0] * 5 + [2, 5, 8, 13, 14])
    fields = [("grpc-status", str(code))]
    if code:
        fields.append(("grpc-message", pick.choice(["not%20found", "a%C3%A4o", "upstream request timeout", ""])))
    if pick.random() < 0.2:
        fields.append(("grpc-status-details-bin", "CAUSCW5vdCBmb3VuZA" * pick.randrange(1, 9)))
    return fields


def request():
    fields = [(":method", "POST"), (":scheme", pick.choice(["http", "https"]))]
    fields.append((":path", "/gateway_protocol.Gateway/" + pick.choice(["Topology", "CompleteJob", "ActivateJobs"])))
    fields += [(":authority", "localhost:26500"), ("te", "trailers"), ("content-type", "application/grpc")]
    fields.append(("grpc-timeout", pick.choice(["10S", "999m", "30S", "1H"])))
    if pick.random() < 0.5:
        fields.append(("authorization", TOKEN))
    return fields


def odd():
    names = ["x", "accept-encoding", "cookie", "www-authenticate", "x-" + "n" * 200, ":path", "grpc-message"]
    values = ["", "é ü €", "gzip, deflate", "\\|{}~<>`", "v" * pick.choice([10, 200, 200, 200, 4200]), "/index.html"]
    return [(pick.choice(names), pick.choice(values)) for _ in range(pick.randrange(7))]


with open("fields.txt", "w") as out:
    for number in range(160):
        if number % 16 == 15:
            for _ in range(pick.randrange(1, 4)):
                print(f"!{pick.choice([0, 64, 100, 500, 4096])}", file=out)
            if number % 32 == 31:
                print("!4096", file=out)
        for name, value in pick.choice([answer, answer, trailers, trailers, request, odd])():
            print(f"{name}\t{value}", file=out)
        print(".", file=out)
