//go:build !zeebe

package main

import (
	"crypto/tls"
	"crypto/x509"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

func version() string { return "grpc-go " + grpc.Version }

func newChannel(run run) connection {
	security := insecure.NewCredentials()
	if run.ca != "" {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM([]byte(run.ca))
		security = credentials.NewTLS(&tls.Config{RootCAs: roots})
	}
	channel, err := grpc.NewClient(run.address, grpc.WithTransportCredentials(security))
	check(err)
	return channel
}
