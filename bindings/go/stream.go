package zeebe

// #include "glue.h"
import "C"

import (
	"context"
	"io"
	"runtime"
	"sync"
	"unsafe"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
)

// The library, which counts what waits for RecvMsg, is told of so many bytes at once that were taken, each message with 256 more: an eighth of what
// may wait by default. Of fewer it is told once RecvMsg looks for what came since.
const tellTaken = 256 << 10

// NewStream starts a call of any kind, as [grpc.ClientConn.NewStream] does; the options are those of [Channel.Invoke].
//
// It does not wait for the gateway. SendMsg waits while much of what was sent before has not gone out; it is bounded by that, not by what the server has
// taken. The stream ends, and its resources with it, when RecvMsg returns an error, when the context is done, or when the garbage collector finds
// that it was dropped.
func (c *Channel) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, options ...grpc.CallOption) (grpc.ClientStream, error) {
	settings, err := newCallSettings(options)
	if err != nil {
		return nil, err
	}
	s := &stream{
		settings:     settings,
		ctx:          ctx,
		clientStream: desc.ClientStreams,
		serverStream: desc.ServerStreams,
		ready:        true,
		arrived:      make(chan struct{}, 1),
		writable:     make(chan struct{}, 1),
		headed:       make(chan struct{}),
		ended:        make(chan struct{}),
	}
	if err := c.startStream(ctx, method, s); err != nil {
		return nil, s.finish(err)
	}
	// It must not lead to the handle that the program holds, or that would never be found dropped.
	s.watch()
	held := &clientStream{s}
	runtime.AddCleanup(held, (*stream).dropped, s)
	return held, nil
}

func (c *Channel) startStream(ctx context.Context, method string, s *stream) error {
	start, err := c.prepare(ctx, method, &s.settings)
	if err != nil {
		return err
	}
	defer start.memory.free()
	s.deadline = start.deadline
	tag, err := start.queue.add(s)
	if err != nil {
		return err
	}
	started := C.zeebego_stream(c.ptr, start.queue.ptr, C.uint64_t(tag),
		(*C.char)(unsafe.Pointer(unsafe.StringData(method))), C.size_t(len(method)), start.timeout,
		(*C.uint8_t)(unsafe.SliceData(start.metadata)), C.size_t(len(start.metadata)), start.options)
	runtime.KeepAlive(c)
	runtime.KeepAlive(start.queue)
	runtime.KeepAlive(s)
	if started.error != nil {
		start.queue.remove(tag)
		return callError(started.error)
	}
	s.handle.set(started.call)
	return nil
}

// clientStream is what the program holds: once it is dropped, the call is cancelled.
type clientStream struct{ *stream }

// stream is a call under way, known to the reader until it has ended.
type stream struct {
	handle                     callHandle
	settings                   callSettings
	ctx                        context.Context
	deadline                   deadline
	clientStream, serverStream bool
	stopWatching               func() bool

	arrived  chan struct{} // has a value if a message came since the last look
	writable chan struct{} // likewise if more may be sent
	headed   chan struct{} // closed when `header` is known
	ended    chan struct{} // closed when `trailer` and `failure` are known

	// Of RecvMsg alone.
	taking     inbox // oldest first, before those that came since
	taken      int   // messages of which the library was not told
	takenBytes int
	isCut      bool // messages were dropped
	isAnswered bool // the one answer was taken

	mutex      sync.Mutex
	came       inbox
	ready      bool
	readyCount int // how often it became ready
	closedSend bool
	isHeaded   bool
	isEnded    bool
	isFinished bool
	header     metadata.MD
	trailer    metadata.MD
	failure    *Error
}

// ---- what the reader tells ----

func (s *stream) receive(events []C.zeebe_event, reader *queue) (last bool) {
	for len(events) > 0 {
		if count := messagesFirst(events); count > 0 {
			s.receiveMessages(events[:count])
			events = events[count:]
			continue
		}
		switch event := &events[0]; event.event_type {
		case C.ZEEBE_EVENT_TYPE_INITIAL_METADATA:
			header := unpackMetadata(event.metadata)
			s.mutex.Lock()
			s.setHeader(header)
			s.mutex.Unlock()
		case C.ZEEBE_EVENT_TYPE_READY:
			s.mutex.Lock()
			s.ready = true
			s.readyCount++
			s.mutex.Unlock()
			signal(s.writable)
		case C.ZEEBE_EVENT_TYPE_CLOSE:
			if call := s.handle.end(); call != nil {
				reader.freeCall(call)
			}
			var failure *Error
			if event.error != nil {
				failure = callError(event.error)
				event.error = nil
			}
			s.end(failure, unpackMetadata(event.metadata))
			return true
		}
		events = events[1:]
	}
	return false
}

func (s *stream) receiveMessages(events []C.zeebe_event) {
	var came inbox
	came.put(events)
	s.mutex.Lock()
	s.came = append(s.came, came...)
	s.setHeader(nil)
	s.mutex.Unlock()
	signal(s.arrived)
}

func (s *stream) abandon() {
	if call := s.handle.end(); call != nil {
		C.zeebe_call_free(call)
	}
	s.end(runtimeEnded().processed(), nil)
}

func (s *stream) end(failure *Error, trailer metadata.MD) {
	if failure != nil {
		failure = failure.inContext(s.ctx)
	}
	s.mutex.Lock()
	s.isEnded, s.failure, s.trailer = true, failure, trailer
	s.setHeader(nil)
	s.mutex.Unlock()
	close(s.ended)
	switch {
	case len(s.settings.onFinish) == 0:
		s.stop()
	case failure != nil && failure.Source != SourceGateway:
		go s.finish(failure) // RecvMsg may never be called again; and not here, where all calls would wait for the program
	}
}

// setHeader counts once. With the mutex.
func (s *stream) setHeader(header metadata.MD) {
	if !s.isHeaded {
		s.isHeaded, s.header = true, header
		close(s.headed)
	}
}

func signal(channel chan struct{}) {
	select {
	case channel <- struct{}{}:
	default:
	}
}

// ---- what ends it early ----

// watch cancels the call with its context.
func (s *stream) watch() {
	stop := context.AfterFunc(s.ctx, s.cancelled)
	s.mutex.Lock()
	s.stopWatching = stop
	isOver := s.isFinished || s.isEnded && len(s.settings.onFinish) == 0
	s.mutex.Unlock()
	if isOver {
		stop()
	}
}

func (s *stream) stop() {
	s.mutex.Lock()
	stop := s.stopWatching
	s.mutex.Unlock()
	if stop != nil {
		stop()
	}
}

func (s *stream) cancelled() {
	if !s.deadline.hasPassed() {
		s.handle.cancel()
	}
	if len(s.settings.onFinish) == 0 {
		return
	}
	// Who cancels need not read to the end.
	<-s.ended
	if s.failure != nil {
		s.finish(s.failure)
	} else {
		s.finish(contextError(s.ctx).processed())
	}
}

func (s *stream) dropped() {
	s.stop()
	s.handle.cancel()
}

// ---- what the program asks for ----

// Context is that of the call.
func (c *clientStream) Context() context.Context { return c.ctx }

// Header waits for the metadata that the answer begins with. Without any it is nil, and RecvMsg says how the call ended.
func (c *clientStream) Header() (metadata.MD, error) {
	defer runtime.KeepAlive(c)
	<-c.headed
	return c.header, nil
}

// Trailer is the metadata that the answer ended with; nil before RecvMsg returned an error.
func (c *clientStream) Trailer() metadata.MD {
	select {
	case <-c.ended:
		return c.trailer
	default:
		return nil
	}
}

// CloseSend says that no more messages follow. Saying it again does nothing.
func (c *clientStream) CloseSend() error {
	defer runtime.KeepAlive(c)
	c.mutex.Lock()
	before := c.closedSend
	c.closedSend = true
	c.mutex.Unlock()
	if !before {
		// A call that has ended needs none, and RecvMsg says how it ended.
		c.handle.with(func(call *C.zeebe_call) { C.zeebe_error_free(C.zeebe_call_half_close(call)) })
	}
	return nil
}

// SendMsg sends a message; io.EOF says that the call has ended, and RecvMsg how.
func (c *clientStream) SendMsg(message any) error {
	defer runtime.KeepAlive(c)
	s := c.stream
	s.mutex.Lock()
	closed := s.closedSend
	s.mutex.Unlock()
	if closed { // before all else: that the call may have ended meanwhile is no excuse
		return localError(codes.Internal, "SendMsg called after CloseSend")
	}
	if err := s.awaitWritable(); err != nil {
		return err
	}
	data, err := s.settings.encode(message)
	if err != nil {
		return s.giveUp(err)
	}
	defer data.Free()

	s.mutex.Lock()
	s.closedSend = !s.clientStream
	readyCount := s.readyCount
	s.mutex.Unlock()

	var isLast C.int
	if !s.clientStream {
		isLast = 1
	}
	var sent C.zeebego_sent
	if !s.handle.with(func(call *C.zeebe_call) {
		sent = C.zeebego_send(call, (*C.uint8_t)(unsafe.SliceData(data.ReadOnlyData())), C.size_t(data.Len()), isLast)
	}) {
		return io.EOF
	}
	if sent.error != nil {
		err := callError(sent.error)
		if err.Kind == KindIllegalState {
			return io.EOF // it has ended just now
		}
		return s.giveUp(err)
	}
	if sent.ready == 0 {
		s.mutex.Lock()
		s.ready = s.readyCount != readyCount // it may have become so since
		s.mutex.Unlock()
	}
	return nil
}

func (s *stream) awaitWritable() error {
	for {
		s.mutex.Lock()
		ready, ended := s.ready, s.isEnded
		s.mutex.Unlock()
		switch {
		case ended:
			return io.EOF
		case ready:
			return nil
		}
		select {
		case <-s.writable:
		case <-s.ended:
		}
	}
}

// RecvMsg waits for the next message. io.EOF is the end of a call whose status is OK; any other error is how it ended.
func (c *clientStream) RecvMsg(message any) error {
	defer runtime.KeepAlive(c)
	s := c.stream
	data, err := s.next()
	if err == io.EOF && !s.serverStream && !s.isAnswered {
		err = localError(codes.Internal, "cardinality violation: no message for a call that has one answer").processed()
	}
	if err != nil {
		return s.finish(err)
	}
	if s.serverStream {
		if err := s.settings.decode(data, message); err != nil {
			return s.giveUp(err)
		}
		return nil
	}
	// One answer: its status decides whether it counts.
	switch more, err := s.next(); {
	case err == nil:
		more.Free()
		data.Free()
		return s.giveUp(localError(codes.Internal, "cardinality violation: more than one message for a call that has one answer").processed())
	case err != io.EOF:
		data.Free()
		return s.finish(err)
	}
	s.isAnswered = true
	err = s.settings.decode(data, message)
	s.finish(err)
	return err
}

// next takes a message.
func (s *stream) next() (mem.BufferSlice, error) {
	for {
		if len(s.taking) == 0 {
			if err := s.awaitMessages(); err != nil {
				return nil, err
			}
		}
		if s.ctx.Err() == context.Canceled {
			s.taking.drop() // what was cancelled gives nothing more but its end
			s.isCut = true
			continue
		}
		message := s.taking.take()
		s.taken++
		s.takenBytes += message.Len() + 256
		if s.takenBytes >= tellTaken {
			s.tellTaken()
		}
		return message, nil
	}
}

// awaitMessages waits until there are some to take. An error: there are no more.
func (s *stream) awaitMessages() error {
	s.tellTaken()
	for {
		s.mutex.Lock()
		s.taking, s.came = s.came, nil
		ended, failure := s.isEnded, s.failure
		s.mutex.Unlock()
		switch {
		case len(s.taking) > 0:
			return nil
		case ended && failure != nil:
			return failure
		case ended && s.isCut: // the gateway's end came before the cancel
			return contextError(s.ctx).processed()
		case ended:
			return io.EOF
		}
		select {
		case <-s.arrived:
		case <-s.ended:
		}
	}
}

// tellTaken has the library count what was taken no more.
func (s *stream) tellTaken() {
	if s.taken > 0 {
		s.handle.with(func(call *C.zeebe_call) { C.zeebe_error_free(C.zeebe_call_request(call, C.int64_t(s.taken))) })
		s.taken, s.takenBytes = 0, 0
	}
}

// giveUp ends the call for a failure found here. It is told first: the end that comes of the cancel has another word for it.
func (s *stream) giveUp(err error) error {
	s.finish(err)
	s.handle.cancel()
	return err
}

// finish tells who asked for it how the call ended, once, and returns err.
func (s *stream) finish(err error) error {
	s.mutex.Lock()
	before := s.isFinished
	s.isFinished = true
	if !before {
		s.settings.give(s.header, s.trailer) // with the mutex: who comes second may read them
	}
	s.mutex.Unlock()
	if !before {
		s.stop()
		told := err
		if told == io.EOF {
			told = nil
		}
		s.settings.tell(told)
	}
	return err
}
