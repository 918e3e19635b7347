//go:build !zeebe

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

func version() string { return "grpc-go " + grpc.Version }

// bearer has grpc-go send it with each call.
type bearer string

func (token bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(token)}, nil
}

func (bearer) RequireTransportSecurity() bool { return false }

func newChannel(run run) connection {
	security := insecure.NewCredentials()
	if run.ca != "" {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM([]byte(run.ca))
		security = credentials.NewTLS(&tls.Config{RootCAs: roots})
	}
	options := []grpc.DialOption{grpc.WithTransportCredentials(security)}
	if run.token != "" {
		options = append(options, grpc.WithPerRPCCredentials(bearer(run.token)))
	}
	channel, err := grpc.NewClient(run.address, options...)
	check(err)
	return channel
}
