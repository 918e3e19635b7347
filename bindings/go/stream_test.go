package zeebe_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"libzeebe.org/go/zeebe"
	"libzeebe.org/go/zeebe/internal/testserver"
)

var both = &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}

func text(length int) *wrapperspb.StringValue { return wrapperspb.String(strings.Repeat("a", length)) }

func stream(t testing.TB, channel *zeebe.Channel, ctx context.Context, desc *grpc.StreamDesc, options ...grpc.CallOption) grpc.ClientStream {
	t.Helper()
	opened, err := channel.NewStream(ctx, desc, method, options...)
	ok(t, err)
	return opened
}

// settle waits until the count has begun to grow, and then has not grown for a while.
func settle(count *atomic.Int64) {
	for last := int64(-1); last <= 0 || last != count.Load(); {
		last = count.Load()
		time.Sleep(200 * time.Millisecond)
	}
}

func TestMessagesComeInOrderWhateverTheirLength(t *testing.T) {
	lengths := make([]int, 3000)
	for i := range lengths {
		lengths[i] = i % 100
		if i%500 == 499 {
			lengths[i] = 1 << 20
		}
	}
	channel := serve(t, func(stream grpc.ServerStream) error {
		for _, length := range lengths {
			if err := stream.SendMsg(text(length)); err != nil {
				return err
			}
		}
		return nil
	})
	opened := stream(t, channel, patience(t), both)
	answer := &wrapperspb.StringValue{}
	for i, length := range lengths {
		ok(t, opened.RecvMsg(answer))
		if len(answer.GetValue()) != length {
			t.Fatalf("message %d has %d bytes, not %d", i, len(answer.GetValue()), length)
		}
	}
	for range 2 {
		if err := opened.RecvMsg(answer); err != io.EOF {
			t.Fatal(err)
		}
	}
}

// keeper is a codec that keeps what it is given, as its contract lets it.
type keeper struct{}

func (keeper) Name() string { return "proto" }

func (keeper) Marshal(message any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(must(proto.Marshal(message.(proto.Message))))}, nil
}

func (keeper) Unmarshal(data mem.BufferSlice, message any) error {
	data.Ref()
	*message.(*mem.BufferSlice) = data
	return nil
}

// aliasing is a codec of the older interface, that keeps the bytes.
type aliasing struct{ keeper }

func (aliasing) Marshal(message any) ([]byte, error) { return proto.Marshal(message.(proto.Message)) }

func (aliasing) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = data
	return nil
}

func TestCodecsMayKeepWhatTheyAreGiven(t *testing.T) {
	const count = 1000
	length := func(i int) int { return i * 37 % 5000 }
	channel := serve(t, func(stream grpc.ServerStream) error {
		for i := range count {
			if err := stream.SendMsg(wrapperspb.String(strings.Repeat(string(rune('a'+i%26)), length(i)))); err != nil {
				return err
			}
		}
		return nil
	})
	check := func(i int, kept []byte) {
		t.Helper()
		message := &wrapperspb.StringValue{}
		ok(t, proto.Unmarshal(kept, message))
		if message.GetValue() != strings.Repeat(string(rune('a'+i%26)), length(i)) {
			t.Fatalf("message %d became another", i)
		}
	}
	for range 3 { // so that memory that is given back is used again
		buffers := stream(t, channel, patience(t), both, grpc.ForceCodecV2(keeper{}))
		bytes := stream(t, channel, patience(t), both, grpc.ForceCodec(aliasing{}))
		var kept [count]mem.BufferSlice
		var keptBytes [count][]byte
		for i := range count {
			ok(t, buffers.RecvMsg(&kept[i]))
			ok(t, bytes.RecvMsg(&keptBytes[i]))
		}
		for i := range count {
			check(i, kept[i].Materialize())
			check(i, keptBytes[i])
			kept[i].Free()
		}
	}
	// The one answer of a unary call, too.
	echoes := serve(t, echo)
	var first, second []byte
	ok(t, echoes.Invoke(patience(t), method, text(5000), &first, grpc.ForceCodec(aliasing{})))
	ok(t, echoes.Invoke(patience(t), method, text(4000), &second, grpc.ForceCodec(aliasing{})))
	answer := &wrapperspb.StringValue{}
	if ok(t, proto.Unmarshal(first, answer)); len(answer.GetValue()) != 5000 {
		t.Fatalf("an answer of 5000 bytes became one of %d", len(answer.GetValue()))
	}
}

// nothing is a codec that keeps nothing.
type nothing struct{ keeper }

func (nothing) Unmarshal(mem.BufferSlice, any) error { return nil }

func TestMessagesThatAreNotKeptAreNotAllocated(t *testing.T) {
	if raceDetector {
		t.Skip("with it sync.Pool forgets on purpose")
	}
	const count = 20_000
	channel := insecure(t, testserver.StartInterop(t))
	request := &testgrpc.StreamingOutputCallRequest{}
	for range count {
		request.ResponseParameters = append(request.ResponseParameters, &testgrpc.ResponseParameters{Size: 100})
	}
	opened := must(channel.NewStream(patience(t), &grpc.StreamDesc{ServerStreams: true}, "/grpc.testing.TestService/StreamingOutputCall", grpc.ForceCodecV2(nothing{})))
	ok(t, opened.SendMsg(request))
	into := new(int)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range count {
		ok(t, opened.RecvMsg(into))
	}
	runtime.ReadMemStats(&after)
	each := float64(after.Mallocs-before.Mallocs) / count
	t.Logf("%.2f allocations a message", each)
	if each > 0.5 {
		t.Fatal("each is allocated")
	}
}

func TestSlowReaderSlowsTheServer(t *testing.T) {
	var sent atomic.Int64
	stuck := make(chan struct{})
	channel := serve(t, func(stream grpc.ServerStream) error {
		for range 1000 {
			if err := stream.SendMsg(text(100_000)); err != nil {
				close(stuck)
				return err
			}
			sent.Add(1)
		}
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	opened := stream(t, channel, ctx, both)
	ok(t, opened.RecvMsg(&wrapperspb.StringValue{}))
	settle(&sent)
	cancel()
	<-stuck
	// The HTTP/2 window of two megabytes, and what was read.
	if count := sent.Load(); count > 100 {
		t.Fatalf("%d messages of 100 kB were sent to a program that read one", count)
	}
	if err := opened.RecvMsg(&wrapperspb.StringValue{}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestMaxBufferedHoldsTheServerAndLosesNothing(t *testing.T) {
	const count = 300
	for _, option := range []grpc.CallOption{zeebe.MaxBuffered(1, 0), zeebe.MaxBuffered(0, 1), zeebe.MaxBuffered(70, 0), zeebe.MaxBuffered(0, 0)} {
		channel := serve(t, func(stream grpc.ServerStream) error {
			for i := range count {
				if err := stream.SendMsg(text(i)); err != nil {
					return err
				}
			}
			return nil
		})
		opened := stream(t, channel, patience(t), both, option)
		answer := &wrapperspb.StringValue{}
		for i := range count {
			ok(t, opened.RecvMsg(answer))
			if len(answer.GetValue()) != i {
				t.Fatalf("%v: message %d has %d bytes", option, i, len(answer.GetValue()))
			}
		}
		if err := opened.RecvMsg(answer); err != io.EOF {
			t.Fatal(err)
		}
	}
	_, err := serve(t, echo).NewStream(t.Context(), both, method, zeebe.MaxBuffered(0, -1))
	if found := failure(t, err, codes.InvalidArgument); found.Option != "MaxBuffered" {
		t.Fatal(found.Option)
	}
}

func TestSlowServerSlowsTheProgram(t *testing.T) {
	channel := serve(t, func(stream grpc.ServerStream) error {
		<-stream.Context().Done()
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	opened := stream(t, channel, ctx, both)
	var sent atomic.Int64
	ended := make(chan error)
	go func() {
		for {
			if err := opened.SendMsg(text(100_000)); err != nil {
				ended <- err
				return
			}
			sent.Add(1)
		}
	}()
	settle(&sent)
	cancel()
	if err := <-ended; err != io.EOF {
		t.Fatal(err)
	}
	if count := sent.Load(); count > 100 {
		t.Fatalf("%d messages of 100 kB were taken for a server that reads none", count)
	}
	failure(t, opened.RecvMsg(&wrapperspb.StringValue{}), codes.Canceled)
}

func TestStreamOptionsAndMetadata(t *testing.T) {
	channel := serve(t, echo)
	ctx := metadata.AppendToOutgoingContext(patience(t), "key", "a")
	var header, trailer metadata.MD
	var told []error
	opened := stream(t, channel, ctx, &grpc.StreamDesc{ServerStreams: true}, grpc.Header(&header), grpc.Trailer(&trailer), grpc.UseCompressor("gzip"),
		grpc.OnFinish(func(err error) { told = append(told, err) }))
	ok(t, opened.SendMsg(text(10)))
	ok(t, opened.CloseSend())
	failure(t, opened.SendMsg(text(10)), codes.Internal)
	if got, err := opened.Header(); err != nil || got.Get("key")[0] != "a" {
		t.Fatal(got, err)
	}
	ok(t, opened.RecvMsg(&wrapperspb.StringValue{}))
	if err := opened.RecvMsg(&wrapperspb.StringValue{}); err != io.EOF {
		t.Fatal(err)
	}
	if header.Get("key")[0] != "a" || trailer.Get("key")[0] != "a" || opened.Trailer().Get("key")[0] != "a" || len(told) != 1 || told[0] != nil {
		t.Fatal(header, trailer, told)
	}
}

func TestOneAnswerIsWanted(t *testing.T) {
	for _, count := range []int{0, 2} {
		channel := serve(t, func(stream grpc.ServerStream) error {
			for range count {
				if err := stream.SendMsg(text(1)); err != nil {
					return err
				}
			}
			return nil
		})
		opened := stream(t, channel, patience(t), &grpc.StreamDesc{ClientStreams: true})
		ok(t, opened.CloseSend())
		if found := failure(t, opened.RecvMsg(&wrapperspb.StringValue{}), codes.Internal); !found.MayHaveBeenProcessed {
			t.Fatalf("the gateway has answered with %d messages: %v", count, found)
		}
	}
}

func TestNothingFollowsTheOneAnswer(t *testing.T) {
	opened := stream(t, serve(t, echo), patience(t), &grpc.StreamDesc{ClientStreams: true})
	ok(t, opened.SendMsg(text(1)))
	ok(t, opened.CloseSend())
	ok(t, opened.RecvMsg(&wrapperspb.StringValue{}))
	if err := opened.RecvMsg(&wrapperspb.StringValue{}); err != io.EOF {
		t.Fatal(err)
	}
}

// A cancel that comes after the end takes the messages that nobody has read: what follows must not look like a call that gave none.
func TestCancelledAfterItsEndIsNoEnd(t *testing.T) {
	channel := serve(t, func(stream grpc.ServerStream) error {
		stream.SetTrailer(metadata.Pairs("key", "a"))
		return stream.SendMsg(text(1))
	})
	for _, desc := range []*grpc.StreamDesc{both, {ClientStreams: true}} {
		ctx, cancel := context.WithCancel(patience(t))
		opened := stream(t, channel, ctx, desc)
		for opened.Trailer() == nil && ctx.Err() == nil {
			runtime.Gosched()
		}
		cancel()
		for range 2 {
			if found := failure(t, opened.RecvMsg(&wrapperspb.StringValue{}), codes.Canceled); !found.MayHaveBeenProcessed {
				t.Fatal("the gateway had answered")
			}
		}
	}
}

// As grpc-go's NewStream says, a stream that is cancelled need not be read: who counts streams with OnFinish must be told all the same.
func TestOnFinishIsToldWithoutReading(t *testing.T) {
	finished := make(chan error, 2)
	told := grpc.OnFinish(func(err error) { finished <- err })
	await := func(code codes.Code) *zeebe.Error {
		t.Helper()
		select {
		case err := <-finished:
			return failure(t, err, code)
		case <-patience(t).Done():
			t.Fatal("it is not told")
			return nil
		}
	}
	ctx, cancel := context.WithCancel(patience(t))
	ended := serve(t, func(stream grpc.ServerStream) error {
		stream.SetTrailer(metadata.Pairs("key", "a"))
		return stream.SendMsg(text(1))
	})
	opened := stream(t, ended, ctx, both, told)
	for opened.Trailer() == nil && ctx.Err() == nil {
		runtime.Gosched()
	}
	cancel()
	if found := await(codes.Canceled); !found.MayHaveBeenProcessed {
		t.Fatal("the gateway had answered")
	}

	waiting := serve(t, func(stream grpc.ServerStream) error { <-stream.Context().Done(); return nil })
	ctx, cancel = context.WithCancel(patience(t))
	opened = stream(t, waiting, ctx, both, told)
	cancel()
	await(codes.Canceled)
	failure(t, opened.RecvMsg(&wrapperspb.StringValue{}), codes.Canceled)
	opened = stream(t, waiting, context.Background(), both, told, grpc.MaxCallSendMsgSize(1))
	failure(t, opened.SendMsg(text(100)), codes.ResourceExhausted)
	await(codes.ResourceExhausted)
	opened = stream(t, waiting, context.Background(), both, told)
	ok(t, waiting.Close())
	await(codes.Canceled)
	failure(t, opened.RecvMsg(&wrapperspb.StringValue{}), codes.Canceled)
	if len(finished) > 0 {
		t.Fatal("it is told twice")
	}
}
