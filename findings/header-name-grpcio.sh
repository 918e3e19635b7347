#!/usr/bin/env bash
# A server, or a proxy before it, answers with a header field named x~y. HTTP allows that name (RFC 9110, section 5.1: a token), gRPC's own metadata does
# not. Of one answer, whole and with grpc-status 0, four clients make four things:
#
#   grpcio     the call fails, INTERNAL: "Stream removed (Illegal header key: x~y)", though it was done and its answer is there
#   grpc-js    the call is well; the field is left out, with a line on standard error
#   grpc-go    the call is well, and has the field
#   grpc-java  the call is well, and Metadata.keys() names the field; but Metadata.Key.of of that name throws, so a program that looks at all fields of an
#              answer, as one that logs or copies them, ends by an IllegalArgumentException that a server has brought about
#
# One guesses that a field nobody asked for is nobody's matter. Who puts such a header in at a proxy breaks every Python client behind it, and no other; and
# INTERNAL is a status that says nothing of whether a call may be made again.
#
# Seen: grpcio 1.85.3 (Python 3.11.7), @grpc/grpc-js 1.14.7 (Node 20.20.2), google.golang.org/grpc 1.76.0 (Go 1.26), io.grpc 1.76.0 (Java 17).
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null || true; wait; chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"

python3 -m venv py
py/bin/pip install --quiet --disable-pip-version-check grpcio==1.85.3 h2==4.3.0
npm install --silent --no-audit --no-fund @grpc/grpc-js@1.14.7

cat > server.py <<'E2'
import socket, threading
import h2.config, h2.connection, h2.events

listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)

def serve(client):
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    connection.initiate_connection()
    client.sendall(connection.data_to_send())
    while data := client.recv(65536):
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.StreamEnded):
                connection.send_headers(event.stream_id, [(":status", "200"), ("content-type", "application/grpc"), ("x~y", "1")])
                connection.send_data(event.stream_id, b"\0\0\0\0\1x")
                connection.send_headers(event.stream_id, [("grpc-status", "0")], end_stream=True)
        client.sendall(connection.data_to_send())

while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
E2
cat > client.py <<'E2'
import sys, grpc

call = grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}").unary_unary("/a/B")
try:
    print("grpcio:", call(b"x", timeout=10))
except grpc.RpcError as error:
    print("grpcio:", error.code().name, error.details())
E2
cat > client.js <<'E2'
const grpc = require('@grpc/grpc-js');
const same = (bytes) => bytes;
const client = new grpc.Client(`127.0.0.1:${process.argv[2]}`, grpc.credentials.createInsecure());
let fields;
const call = client.makeUnaryRequest('/a/B', same, same, Buffer.from('x'), { deadline: Date.now() + 10000 }, (error) => {
  console.log('grpc-js:', error ? grpc.status[error.code] : 'OK', fields);
  client.close();
});
call.on('metadata', (metadata) => (fields = Object.keys(metadata.getMap()).join(' ')));
E2
mkdir go java
cat > go/go.mod <<'E2'
module client

go 1.24

require google.golang.org/grpc v1.76.0
E2
cat > go/main.go <<'E2'
package main

import (
	"context"
	"fmt"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

type raw struct{}

func (raw) Marshal(v any) ([]byte, error)      { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v any) error { *v.(*[]byte) = data; return nil }
func (raw) Name() string                       { return "raw" }

func main() {
	channel, err := grpc.NewClient("127.0.0.1:"+os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		panic(err)
	}
	request, answer := []byte("x"), []byte{}
	var header metadata.MD
	err = channel.Invoke(context.Background(), "/a/B", &request, &answer, grpc.ForceCodec(raw{}), grpc.Header(&header))
	fmt.Println("grpc-go:", err, header["x~y"])
}
E2
cat > java/pom.xml <<'E2'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId><artifactId>finding</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>io.grpc</groupId><artifactId>grpc-netty-shaded</artifactId><version>1.76.0</version></dependency>
    <dependency><groupId>io.grpc</groupId><artifactId>grpc-stub</artifactId><version>1.76.0</version></dependency>
  </dependencies>
</project>
E2
cat > java/Client.java <<'E2'
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.util.concurrent.atomic.AtomicReference;

class Client {
  static final MethodDescriptor.Marshaller<byte[]> RAW =
      new MethodDescriptor.Marshaller<>() {
        public InputStream stream(byte[] value) {
          return new ByteArrayInputStream(value);
        }

        public byte[] parse(InputStream stream) {
          try {
            return stream.readAllBytes();
          } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
          }
        }
      };

  public static void main(String[] args) {
    var channel = ManagedChannelBuilder.forAddress("127.0.0.1", Integer.parseInt(args[0])).usePlaintext().build();
    var method = MethodDescriptor.newBuilder(RAW, RAW).setType(MethodDescriptor.MethodType.UNARY).setFullMethodName("a/B").build();
    var headers = new AtomicReference<Metadata>();
    var seen = ClientInterceptors.intercept(channel, MetadataUtils.newCaptureMetadataInterceptor(headers, new AtomicReference<>()));
    ClientCalls.blockingUnaryCall(seen, method, CallOptions.DEFAULT, new byte[] {'x'});
    System.out.println("grpc-java: OK " + headers.get().keys());
    for (String name : headers.get().keys()) {
      try {
        headers.get().get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
      } catch (RuntimeException e) {
        System.out.println("grpc-java: " + e);
      }
    }
    channel.shutdownNow();
  }
}
E2
(cd go && GOFLAGS=-mod=mod GOMODCACHE="$work/modules" go build -o client . 2> build.log) || { cat go/build.log >&2; exit 1; }
mvn --quiet --batch-mode --file java/pom.xml dependency:copy-dependencies -DoutputDirectory=lib
javac -cp 'java/lib/*' -d java java/Client.java

coproc server { exec py/bin/python server.py; }
read -r port <&"${server[0]}"
{
    py/bin/python client.py "$port" 2> /dev/null
    node client.js "$port" 2> js.log
    go/client "$port"
    java -cp 'java:java/lib/*' Client "$port" 2> /dev/null
} | tee seen

cat > expected <<'E2'
grpcio: INTERNAL Stream removed (Illegal header key: x~y)
grpc-js: OK content-type
grpc-go: <nil> [1]
grpc-java: OK [content-type, x~y]
grpc-java: java.lang.IllegalArgumentException: Invalid character '~' in key name 'x~y'
E2
diff expected seen
grep -q 'Metadata key "x~y" contains illegal characters' js.log
