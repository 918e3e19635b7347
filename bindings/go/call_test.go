package zeebe_test

import (
	"context"
	"errors"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip" // the server's
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"libzeebe.org/go/zeebe"
)

// serve starts a grpc-go server that does this with every call, and returns a channel to it.
func serve(t testing.TB, handle func(grpc.ServerStream) error, options ...zeebe.Option) *zeebe.Channel {
	t.Helper()
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error { return handle(stream) }))
	listener, err := net.Listen("tcp", "localhost:0")
	ok(t, err)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return insecure(t, listener.Addr().String(), options...)
}

// echo answers with the request, its metadata as header and trailer.
func echo(stream grpc.ServerStream) error {
	pairs, _ := metadata.FromIncomingContext(stream.Context())
	delete(pairs, ":authority")
	for _, key := range []string{"content-type", "user-agent", "grpc-accept-encoding", "grpc-encoding", "grpc-timeout"} {
		delete(pairs, key)
	}
	ok := stream.SetHeader(pairs)
	stream.SetTrailer(pairs)
	message := &wrapperspb.StringValue{}
	return errors.Join(ok, stream.RecvMsg(message), stream.SendMsg(message))
}

const method = "/test.Service/Method"

func TestMetadataGoesBothWays(t *testing.T) {
	channel := serve(t, echo, zeebe.WithMetadata(metadata.Pairs("channel", "1")))
	ctx := metadata.AppendToOutgoingContext(patience(t), "key", "a", "key", "b", "raw-bin", "\x00\xff", "user-agent", "dropped", "te", "dropped")
	var header, trailer metadata.MD
	answer := &wrapperspb.StringValue{}
	ok(t, channel.Invoke(ctx, method, wrapperspb.String("text"), answer, grpc.Header(&header), grpc.Trailer(&trailer)))
	if answer.GetValue() != "text" {
		t.Fatal(answer)
	}
	for _, pairs := range []metadata.MD{header, trailer} {
		if strings.Join(pairs["key"], ",") != "a,b" || pairs.Get("raw-bin")[0] != "\x00\xff" || pairs.Get("channel")[0] != "1" {
			t.Fatal(pairs)
		}
	}
	for _, bad := range []string{"key\n", "Ä", "gr pc"} {
		failure(t, channel.Invoke(metadata.NewOutgoingContext(patience(t), metadata.MD{bad: {"a"}}), method, nil, nil), codes.InvalidArgument)
	}
}

func TestStatusKeepsItsDetails(t *testing.T) {
	channel := serve(t, func(stream grpc.ServerStream) error {
		stream.SetTrailer(metadata.Pairs("why", "here"))
		return must(status.New(codes.NotFound, "no such thing").WithDetails(&errdetails.ErrorInfo{Reason: "gone"})).Err()
	})
	var trailer metadata.MD
	err := channel.Invoke(patience(t), method, nil, nil, grpc.Trailer(&trailer))
	found := failure(t, err, codes.NotFound)
	if err.Error() != "rpc error: code = NotFound desc = no such thing" || found.Source != zeebe.SourceGateway || found.Retryable || !found.MayHaveBeenProcessed {
		t.Fatalf("%v %+v", err, found)
	}
	details := status.Convert(err).Details()
	if len(details) != 1 || details[0].(*errdetails.ErrorInfo).GetReason() != "gone" {
		t.Fatal(details)
	}
	if found.Trailer.Get("why")[0] != "here" || trailer.Get("why")[0] != "here" {
		t.Fatal(found.Trailer, trailer)
	}
}

func TestContextEndsACall(t *testing.T) {
	arrived := make(chan time.Duration, 1)
	channel := serve(t, func(stream grpc.ServerStream) error {
		deadline, _ := stream.Context().Deadline()
		arrived <- time.Until(deadline)
		<-t.Context().Done() // not its own deadline: the client's must be the first
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- channel.Invoke(ctx, method, nil, nil) }()
	get(t, arrived)
	cancel()
	err := get(t, ended)
	if failure(t, err, codes.Canceled); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := channel.Invoke(ctx, method, nil, nil); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}

	const timeout = 3 * time.Second // long enough for the call to arrive
	ctx, cancel = context.WithTimeout(t.Context(), timeout)
	defer cancel()
	err = channel.Invoke(ctx, method, nil, nil)
	if failure(t, err, codes.DeadlineExceeded); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if left := get(t, arrived); left <= 0 || left > timeout {
		t.Fatalf("the server saw a deadline in %v", left)
	}
	ctx, cancel = context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	failure(t, channel.Invoke(ctx, method, nil, nil), codes.DeadlineExceeded)
}

func TestDeadlineMayBeFarAway(t *testing.T) {
	channel := serve(t, echo)
	for _, deadline := range []time.Time{time.Now().Add(math.MaxInt64), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)} {
		ctx, cancel := context.WithDeadline(t.Context(), deadline)
		defer cancel()
		ok(t, channel.Invoke(ctx, method, text(1), text(1)))
	}
}

type upper struct{ encoding.Codec }

func (upper) Name() string                { return "upper" }
func (upper) Marshal(any) ([]byte, error) { return []byte("\n\x05UPPER"), nil }
func (upper) Unmarshal([]byte, any) error { return nil }

func TestCallOptions(t *testing.T) {
	channel := serve(t, echo)
	large := wrapperspb.String(strings.Repeat("a", 100_000))
	call := func(options ...grpc.CallOption) (string, metadata.MD, error) {
		var header metadata.MD
		answer := &wrapperspb.StringValue{}
		err := channel.Invoke(patience(t), method, large, answer, append(options, grpc.Header(&header))...)
		return answer.GetValue(), header, err
	}
	refused := func(code codes.Code, options ...grpc.CallOption) {
		t.Helper()
		_, _, err := call(options...)
		failure(t, err, code)
	}

	for _, good := range []grpc.CallOption{grpc.UseCompressor("gzip"), grpc.UseCompressor("identity"), grpc.WaitForReady(true), grpc.CallContentSubtype("proto"),
		grpc.CallAuthority("other"), grpc.StaticMethod(), grpc.Peer(&peer.Peer{}), grpc.MaxCallRecvMsgSize(200_000), grpc.MaxCallSendMsgSize(200_000)} {
		if answer, _, err := call(good); err != nil || len(answer) != 100_000 {
			t.Fatalf("%T: %v", good, err)
		}
	}
	if _, _, err := call(grpc.MaxCallRecvMsgSize(math.MaxInt)); err != nil {
		t.Fatal(err)
	}
	refused(codes.ResourceExhausted, grpc.MaxCallRecvMsgSize(1000))
	refused(codes.ResourceExhausted, grpc.MaxCallSendMsgSize(1000))
	refused(codes.InvalidArgument, grpc.MaxCallRecvMsgSize(0))
	refused(codes.InvalidArgument, grpc.UseCompressor("snappy"))
	refused(codes.InvalidArgument, grpc.CallContentSubtype("json"))
	refused(codes.InvalidArgument, grpc.CallAuthority("a\x00b"))

	_, header, err := call(zeebe.WithCallCredentials(must(zeebe.NewBearerPlugin("secret"))))
	ok(t, err)
	if got := header.Get("authorization")[0]; got != "Bearer secret" {
		t.Fatal(got)
	}
	_, _, err = call(grpc.ForceCodec(upper{}))
	ok(t, err)
	if found := failure(t, channel.Invoke(patience(t), method, large, 5), codes.Internal); !found.MayHaveBeenProcessed {
		t.Fatal("an answer that cannot be decoded is an answer")
	}
	var told []error
	refusedByServer := serve(t, func(grpc.ServerStream) error { return status.Error(codes.Aborted, "no") })
	err = refusedByServer.Invoke(patience(t), method, nil, nil, grpc.OnFinish(func(err error) { told = append(told, err) }))
	if len(told) != 1 || told[0] != err {
		t.Fatal(told)
	}
}
