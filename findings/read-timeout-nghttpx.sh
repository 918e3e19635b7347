#!/usr/bin/env bash
# A gRPC stream behind nghttpx that is silent for longer than backend-read-timeout: alone it is ended after that time, with INTERNAL; beside
# other calls it is not, and runs on to its own deadline.
#
# The time is counted for the connection to the server, which all calls share, and each answer to any of them begins it anew. So the time-out of a
# call depends on what its neighbours do: who tries it by day sees streams that live as long as they like, and loses them by night,
# when there is nothing else to do. INTERNAL says neither a time nor a proxy, and is of a kind that is not tried again.
# What helps: a time-out that is longer than the longest poll, however busy the proxy is.
#
# Seen: nghttpx 1.52.0 (Debian), grpcio 1.85.3 as client and as server (Python 3.11.7).
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"

apt-get -qq -o APT::Sandbox::User=root download nghttp2-proxy=1.52.0-1+deb12u3 libnghttp2-14 libc-ares2 libev4 libjemalloc2
for package in *.deb; do dpkg --extract "$package" nghttpx; done
python3 -m venv py
py/bin/pip install --quiet --disable-pip-version-check grpcio==1.85.3

cat > server.py <<'E'
import sys, threading
from concurrent import futures
import grpc

def stream(request, context):
    if request == b"silent":
        ended = threading.Event()
        context.add_callback(ended.set)
        ended.wait(20)
    yield b"a message"

server = grpc.server(futures.ThreadPoolExecutor(8))
server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("a", {"B": grpc.unary_stream_rpc_method_handler(stream)})])
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
sys.stdin.read()
E
cat > client.py <<'E'
import sys, threading, time
import grpc

channel = grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}")
call = channel.unary_stream("/a/B")
ended = threading.Event()

def others():
    while not ended.wait(0.2):
        list(call(b"short", timeout=20))

list(call(b"short", timeout=20))
for beside in ("alone", "beside others"):
    neighbour = threading.Thread(target=others)
    if beside != "alone":
        neighbour.start()
    began = time.monotonic()
    try:
        list(call(b"silent", timeout=8))
    except grpc.RpcError as error:
        took = time.monotonic() - began
        print(f"{beside}: {error.code().name}, {error.details()}, {'2 s or little more' if 1.9 < took < 5 else f'{took:.0f} s'}")
ended.set()
neighbour.join()
E
coproc server { exec py/bin/python server.py 2> server.log; }
read -r behind <&"${server[0]}"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat > nghttpx.conf <<E
frontend=127.0.0.1,$port;no-tls
backend=127.0.0.1,$behind;;proto=h2
backend-read-timeout=2s
pid-file=$work/pid
errorlog-file=$work/error.log
workers=1
E
LD_LIBRARY_PATH=$(echo "$work"/nghttpx/usr/lib/*-linux-gnu) nghttpx/usr/sbin/nghttpx --conf=nghttpx.conf 2> /dev/null &
until (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; do sleep 0.1; done
py/bin/python client.py "$port" | tee seen

diff seen - <<'E' && echo "as it was seen"
alone: INTERNAL, Stream removed (RST_STREAM (Received RST_STREAM with error code 2)), 2 s or little more
beside others: DEADLINE_EXCEEDED, Deadline Exceeded, 8 s
E
