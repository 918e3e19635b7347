// Package gatewaypb has the messages and the client of the Zeebe gateway protocol, generated from libzeebe's proto/gateway.proto.
//
// A program that has stubs of the same protocol from elsewhere must not import it: the protobuf runtime refuses two of the same messages.
package gatewaypb

//go:generate protoc -I ../../../proto --go_out=. --go_opt=paths=source_relative,Mgateway.proto=libzeebe.org/go/zeebe/gatewaypb --go-grpc_out=. --go-grpc_opt=paths=source_relative,Mgateway.proto=libzeebe.org/go/zeebe/gatewaypb gateway.proto
