#!/usr/bin/env bash
# A gRPC stream behind Apache httpd that is silent for longer than ProxyTimeout, read by grpcio and by grpc-go: one has a stream that was
# "removed", the other a message of 558124867 bytes that is too large for it. Neither says a word of a proxy or of time.
#
# The answer has begun (200, application/grpc, a message), so that there is no status left to send, and one expects the stream to be reset, as other
# proxies do. mod_proxy_http2 writes its error page into it, as if it were more of the answer, and ends the stream in order. gRPC reads "<" as
# the compression flag and "!DOC" as a length, and each client checks something else first. Who raises the limit, as
# the error tells one to, gets INTERNAL, unexpected EOF. All of these are of kinds that are not tried again, though all that passed was time.
# Before the first message it is a plain 503, UNAVAILABLE in both: who tries the time-out with a silent server sees nothing of this.
# libzeebe says that there is a page of HTML where a message should begin.
#
# Seen: Apache httpd 2.4.71 (Debian), grpcio 1.85.3 (Python 3.11.7), grpc-go 1.85.0 (Go 1.26.8).
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null || true; wait; chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"

apt-get -qq -o APT::Sandbox::User=root download apache2-bin=2.4.71-1~deb12u1 libapr1 libaprutil1 libnghttp2-14
for package in *.deb; do dpkg --extract "$package" httpd; done
python3 -m venv py
py/bin/pip install --quiet --disable-pip-version-check grpcio==1.85.3

cat > server.py <<'E'
import sys, time
from concurrent import futures
import grpc

def stream(request, context):
    if request == b"first":
        yield b"a message"
    time.sleep(4)
    yield b"another"

server = grpc.server(futures.ThreadPoolExecutor(4))
server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("a", {"B": grpc.unary_stream_rpc_method_handler(stream)})])
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
sys.stdin.read()
E
cat > client.py <<'E'
import sys
import grpc

channel = grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}")
for request in ("silent", "first"):
    try:
        for message in channel.unary_stream("/a/B")(request.encode(), timeout=20):
            print(f"grpcio, {request}: {message.decode()}")
    except grpc.RpcError as error:
        print(f"grpcio, {request}: {error.code().name}, {error.details()}")
E
cat > main.go <<'E'
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

type raw struct{}

func (raw) Marshal(v any) (mem.BufferSlice, error)       { return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil }
func (raw) Unmarshal(data mem.BufferSlice, v any) error  { *v.(*[]byte) = data.Materialize(); return nil }
func (raw) Name() string                                 { return "raw" }

var _ encoding.CodecV2 = raw{}

func main() {
	conn, err := grpc.NewClient("127.0.0.1:"+os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		panic(err)
	}
	for _, limit := range []int{0, 4 << 20, 1 << 30} {
		request := "first"
		if limit == 0 {
			request, limit = "silent", 4<<20
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/a/B", grpc.ForceCodecV2(raw{}), grpc.CallContentSubtype(""), grpc.MaxCallRecvMsgSize(limit))
		if err == nil {
			err = stream.SendMsg([]byte(request))
		}
		if err == nil {
			err = stream.CloseSend()
		}
		for err == nil {
			var message []byte
			if err = stream.RecvMsg(&message); err == nil {
				fmt.Printf("grpc-go, %s: %s\n", request, message)
			}
		}
		text, _, _ := strings.Cut(status.Convert(err).Message(), ";")
		fmt.Printf("grpc-go, %s, limit %d: %v, %s\n", request, limit, status.Code(err), text)
		cancel()
	}
}
E
coproc server { exec py/bin/python server.py 2> server.log; }
read -r behind <&"${server[0]}"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat > httpd.conf <<E
ServerRoot $work/httpd/usr/lib/apache2
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule http2_module modules/mod_http2.so
LoadModule proxy_module modules/mod_proxy.so
LoadModule proxy_http2_module modules/mod_proxy_http2.so
ServerName localhost
DefaultRuntimeDir $work
PidFile $work/pid
ErrorLog $work/error.log
Mutex fcntl:$work
User nobody
Group nogroup
Listen 127.0.0.1:$port
Protocols h2c
ProxyTimeout 1
ProxyPass / h2c://127.0.0.1:$behind/
E
chmod 755 "$work"
LD_LIBRARY_PATH=$(echo "$work"/httpd/usr/lib/*-linux-gnu) httpd/usr/sbin/apache2 -D FOREGROUND -f "$work/httpd.conf" &
until (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; do sleep 0.1; done
export GOMODCACHE="$work/modules" GOFLAGS=-mod=mod
go mod init meet 2> /dev/null
go get google.golang.org/grpc@v1.85.0 2> /dev/null
{ py/bin/python client.py "$port"; go run . "$port"; } | tee seen

diff seen - <<'E' && echo "as it was seen"
grpcio, silent: UNAVAILABLE, Received http2 header with status: 503
grpcio, first: a message
grpcio, first: UNKNOWN, Stream removed (Data frame with END_STREAM flag received)
grpc-go, silent, limit 4194304: Unavailable, unexpected HTTP status code received from server: 503 (Service Unavailable)
grpc-go, first: a message
grpc-go, first, limit 4194304: ResourceExhausted, grpc: received message larger than max (558124867 vs. 4194304)
grpc-go, first: a message
grpc-go, first, limit 1073741824: Internal, unexpected EOF
E
