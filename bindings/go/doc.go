// Package zeebe is a gRPC channel to a Zeebe gateway, the engine behind Camunda 8, over libzeebe.
//
// A [Channel] implements [google.golang.org/grpc.ClientConnInterface]: any client that protoc-gen-go-grpc generated runs on it
// unchanged. It finds the gateway and its credentials in arguments or in the environment, fetches and renews OAuth2 tokens, connects again by
// itself, keeps job streams open, and has jobs worked on.
//
//	channel, err := zeebe.NewChannelFromEnvironment()
//	if err != nil {
//		return err
//	}
//	defer channel.Close()
//	topology, err := gatewaypb.NewGatewayClient(channel).Topology(ctx, &gatewaypb.TopologyRequest{})
//
// A [JobWorker] is made by [Channel.NewJobWorker]: a function that works on a job, whose return completes it or fails it.
//
// # Errors
//
// Every error of this package is an [*Error], which errors.As finds, and status.FromError and status.Code of grpc-go understand. That of a call reads as
// grpc-go's do; the others begin with "zeebe: ".
//
// # Goroutines and threads
//
// Everything may be used by any number of goroutines at once, but for what [google.golang.org/grpc.ClientStream] says of SendMsg and RecvMsg.
// A goroutine that waits for a call holds no thread: one goroutine of this package takes the ends and events of all calls, in
// batches. The library has a thread or two of its own.
//
// # Lifetimes
//
// Close what you made. What was dropped without it is found by the garbage collector: a stream is then cancelled, and a channel's connections
// close once its calls have ended. A worker goes on until it is closed.
package zeebe
