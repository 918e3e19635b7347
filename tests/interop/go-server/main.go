// grpc-go's own interoperability service on a free loopback port, which it prints; ends with its standard input.
// A call with x-fail ends with a status and details.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

func fail(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if len(metadata.ValueFromIncomingContext(ctx, "x-fail")) == 0 {
		return handler(ctx, request)
	}
	failure, err := status.New(codes.FailedPrecondition, "50 % ü of it").WithDetails(&testgrpc.SimpleResponse{Username: "details"})
	if err != nil {
		return nil, err
	}
	return nil, failure.Err()
}

func main() {
	certificate := flag.String("certificate", "", "PEM file of the chain; without it there is no TLS")
	key := flag.String("key", "", "PEM file of the certificate's key")
	age := flag.Int("max-connection-age", 0, "how long a connection lives before it is drained, in milliseconds; 0: for ever")
	flag.Parse()

	options := []grpc.ServerOption{
		grpc.UnaryInterceptor(fail),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: time.Duration(*age) * time.Millisecond}),
	}
	if *certificate != "" {
		tls, err := credentials.NewServerTLSFromFile(*certificate, *key)
		if err != nil {
			log.Fatal(err)
		}
		options = append(options, grpc.Creds(tls))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(options...)
	testgrpc.RegisterTestServiceServer(server, interop.NewTestServer())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		server.Stop()
	}()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	if err := server.Serve(listener); err != nil {
		log.Fatal(err)
	}
}
