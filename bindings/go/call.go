package zeebe

// #include "glue.h"
import "C"

import (
	"context"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
)

// unaryCall is a unary call under way. Reused: nothing of it is left when its end was taken.
type unaryCall struct {
	handle        callHandle
	wantsMetadata bool
	ended         chan struct{} // gets one value at the end; then the rest may be read

	message  mem.Buffer
	response *C.zeebe_response // if its metadata is wanted
	failure  *C.zeebe_error
	lost     bool
}

var unaryCalls = sync.Pool{New: func() any { return &unaryCall{ended: make(chan struct{}, 1)} }}

func (u *unaryCall) receive(events []C.zeebe_event, reader *queue) bool {
	event := &events[0]
	if call := u.handle.end(); call != nil {
		reader.freeCall(call)
	}
	if event.error != nil {
		u.failure, event.error = event.error, nil
	} else {
		u.message = copyMessage(event)
		if u.wantsMetadata {
			u.response, event.response = event.response, nil
		}
	}
	u.ended <- struct{}{}
	return true
}

func (u *unaryCall) abandon() {
	if call := u.handle.end(); call != nil {
		C.zeebe_call_free(call)
	}
	u.lost = true
	u.ended <- struct{}{}
}

// Invoke makes a unary call and waits for its end, as [grpc.ClientConn.Invoke] does. The context's deadline is sent to the gateway; without one
// the channel's time-out counts. A failure is an [*Error].
//
// Of grpc-go's call options these are honoured: Header, Trailer, OnFinish, WaitForReady, MaxCallRecvMsgSize, MaxCallSendMsgSize, UseCompressor
// (gzip and identity), PerRPCCredentials, CallAuthority, ForceCodec, ForceCodecV2, CallContentSubtype("proto"). Peer, StaticMethod and MaxRetryRPCBufferSize
// are ignored. Others are refused with InvalidArgument.
func (c *Channel) Invoke(ctx context.Context, method string, args, reply any, options ...grpc.CallOption) error {
	settings, err := newCallSettings(options)
	if err != nil {
		return err
	}
	header, trailer, err := c.invoke(ctx, method, args, reply, &settings)
	settings.finish(header, trailer, err)
	return err
}

func (c *Channel) invoke(ctx context.Context, method string, args, reply any, settings *callSettings) (header, trailer metadata.MD, err error) {
	start, err := c.prepare(ctx, method, settings)
	if err != nil {
		return nil, nil, err
	}
	defer start.memory.free()
	message, err := settings.encode(args)
	if err != nil {
		return nil, nil, err
	}

	call := unaryCalls.Get().(*unaryCall)
	call.handle.ended, call.lost = false, false
	call.wantsMetadata = len(settings.header) > 0 || len(settings.trailer) > 0
	tag, err := start.queue.add(call)
	if err != nil {
		message.Free()
		return nil, nil, err
	}
	var wantsCall, wantsMetadata C.int
	if ctx.Done() != nil {
		wantsCall = 1
	}
	if call.wantsMetadata {
		wantsMetadata = 1
	}
	started := C.zeebego_unary(c.ptr, start.queue.ptr, C.uint64_t(tag), wantsCall, wantsMetadata,
		(*C.char)(unsafe.Pointer(unsafe.StringData(method))), C.size_t(len(method)),
		(*C.uint8_t)(unsafe.SliceData(message.ReadOnlyData())), C.size_t(message.Len()), start.timeout,
		(*C.uint8_t)(unsafe.SliceData(start.metadata)), C.size_t(len(start.metadata)), start.options)
	runtime.KeepAlive(c)
	runtime.KeepAlive(start.queue)
	runtime.KeepAlive(settings)
	message.Free()
	if started.error != nil {
		start.queue.remove(tag)
		return nil, nil, callError(started.error)
	}
	if started.call != nil {
		call.handle.set(started.call)
	}

	select {
	case <-call.ended:
	case <-ctx.Done():
		if !start.deadline.hasPassed() {
			call.handle.cancel()
		}
		<-call.ended
	}
	return call.result(ctx, reply, settings)
}

// result is what came of a call that has ended, which is not used after this.
func (u *unaryCall) result(ctx context.Context, reply any, settings *callSettings) (header, trailer metadata.MD, err error) {
	message, response, failure, lost := u.message, u.response, u.failure, u.lost
	u.message, u.response, u.failure = nil, nil, nil
	unaryCalls.Put(u)
	switch {
	case lost:
		return nil, nil, runtimeEnded().processed()
	case failure != nil:
		err := callError(failure).inContext(ctx)
		return err.Header, err.Trailer, err
	}
	if response != nil {
		header = unpackMetadata(C.zeebe_response_initial_metadata(response))
		trailer = unpackMetadata(C.zeebe_response_trailers(response))
		C.zeebe_response_free(response)
	}
	return header, trailer, settings.decode(mem.BufferSlice{message}, reply)
}

// inContext: what was cancelled for a context ends with that context's error.
func (e *Error) inContext(ctx context.Context) *Error {
	if e.Code == codes.Canceled && e.Source == SourceCaller && ctx.Err() != nil {
		because := contextError(ctx)
		e.Code, e.Message = because.Code, because.Message
	}
	return e
}

// start is what a call of any kind is started with.
type start struct {
	queue    *queue
	deadline deadline
	timeout  C.int64_t
	metadata []byte
	options  *C.zeebego_options
	memory   arena
}

// deadline is that of a call's context when the call began, which the library has too; zero: it had none. The context may be done before: a job's is when
// the job is lost.
type deadline time.Time

// hasPassed: the library ends the call, and has a better word for why it was late.
func (d deadline) hasPassed() bool {
	return !time.Time(d).IsZero() && !time.Now().Before(time.Time(d))
}

func (c *Channel) prepare(ctx context.Context, method string, settings *callSettings) (s start, err error) {
	if ctx.Err() != nil {
		return s, contextError(ctx)
	}
	if err := checkMethod(method); err != nil {
		return s, err
	}
	credentials, err := settings.credentialsMetadata(ctx, c, method)
	if err != nil {
		return s, err
	}
	if s.deadline, s.timeout, err = timeout(ctx); err != nil {
		return s, err
	}
	if s.metadata, err = outgoingMetadata(ctx, credentials); err != nil {
		return s, err
	}
	if s.queue, err = theQueue(); err != nil {
		return s, err
	}
	s.options = settings.nativeOptions(&s.memory)
	if s.memory.err != nil {
		s.memory.free()
		return s, s.memory.err
	}
	return s, nil
}

// timeout is until the context's deadline, in milliseconds, rounded up; 0: it has none.
func timeout(ctx context.Context) (deadline, C.int64_t, error) {
	end, has := ctx.Deadline()
	if !has {
		return deadline{}, 0, nil
	}
	left := time.Until(end)
	if left <= 0 {
		return deadline{}, 0, localError(codes.DeadlineExceeded, "%v", context.DeadlineExceeded)
	}
	return deadline(end), roundUp(left, time.Millisecond), nil
}

func checkMethod(method string) error {
	for i := range len(method) {
		if method[i] == 0 {
			return invalidArgument("the method's path has a NUL character")
		}
	}
	return nil
}
