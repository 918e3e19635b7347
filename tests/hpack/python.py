#!/usr/bin/env python3
"""hpack of Python: encodes fields.txt to python.txt; with `decode FILE` checks that FILE says the same."""
import sys

from hpack import Decoder, Encoder


def story():
    sizes, fields = [], []
    for line in open("fields.txt", encoding="utf-8", newline="\n"):
        line = line.removesuffix("\n")
        if line.startswith("!"):
            sizes.append(int(line[1:]))
        elif line == ".":
            yield sizes, fields
            sizes, fields = [], []
        else:
            name, value = line.split("\t")
            fields.append((name.encode(), value.encode()))


if sys.argv[1:2] == ["decode"]:
    decoder = Decoder(max_header_list_size=1 << 20)
    for (_, fields), block in zip(story(), open(sys.argv[2]), strict=True):
        assert [(name, value) for name, value in decoder.decode(bytes.fromhex(block), raw=True)] == fields
else:
    encoder = Encoder()
    with open("python.txt", "w") as out:
        for number, (sizes, fields) in enumerate(story()):
            for size in sizes:
                encoder.header_table_size = size
            print(encoder.encode(fields, huffman=number % 4 > 0).hex(), file=out)
