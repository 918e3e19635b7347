package zeebe

// #include "glue.h"
import "C"

import (
	"context"
	"io"
	"iter"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// JobStreamOptions are those of [Channel.StreamJobs]. The zero value of each is "not given".
type JobStreamOptions struct {
	// Metadata is sent with every call.
	Metadata metadata.MD
	// MaxBufferedJobs is how many jobs wait for a slow Recv, 1 to 100 000: else 32. When so many wait, the gateway is asked for no more.
	MaxBufferedJobs int
	// MaxBufferedBytes is the same in bytes, of which each job has 256 more, 1 to 2 147 483 647: else 2 MiB. One job always may wait.
	MaxBufferedBytes int
	// Watchdog: a stream that brought no job for so long is opened anew, rounded up to milliseconds: else a minute.
	Watchdog time.Duration
	// PollInterval is how often ActivateJobs looks for jobs that the stream did not bring, rounded up to milliseconds: else ten seconds.
	PollInterval time.Duration
	// OnError is told of each failure that is tried again: how many there were in a row, and the pause before the next try. It is called by a
	// goroutine of its own, one failure after another; of those that come meanwhile, the last are kept. May be nil.
	OnError func(err error, failuresInARow int, pause time.Duration) `json:"-"`
}

// JobStream is a stream of jobs that takes care of itself: see [Channel.StreamJobs].
type JobStream struct{ *jobStream }

// jobStream is known to the reader until it has ended; JobStream, which the program holds, is what may be dropped.
type jobStream struct {
	ctx          context.Context
	arrived      chan struct{} // has a value if a job came since the last look
	ended        chan struct{} // closed when `failure` is known
	mutex        sync.Mutex
	ptr          *C.zeebe_job_stream // NULL: freed
	messages     inbox
	isCut        bool // jobs were dropped
	isEnded      bool
	failure      *Error
	stopWatching func() bool // nil: it has not begun
	failures     failures
}

// StreamJobs streams the jobs of one type, for as long as the program wants. The request is a StreamActivatedJobsRequest.
//
// The stream is opened anew after it is lost, or fails with what may pass; beside it ActivateJobs finds jobs that it missed; a gateway that has no job streams
// is polled. A job that came may come again, once its time-out has passed, as from any worker. What cannot pass, PermissionDenied say, ends it: Recv
// returns it.
//
// [JobStream.Close] ends it in order. When the context is done it ends at once, and jobs that wait go to another worker after their time-out; so does one
// that the garbage collector finds dropped. The context's deadline is that of the whole stream.
func (c *Channel) StreamJobs(ctx context.Context, request proto.Message, options JobStreamOptions) (*JobStream, error) {
	if ctx.Err() != nil {
		return nil, contextError(ctx)
	}
	encoded, err := proto.Marshal(request)
	if err != nil {
		return nil, localError(codes.Internal, "the request cannot be encoded: %v", err)
	}
	packed, err := packMetadata(nil, options.Metadata)
	if err != nil {
		return nil, err
	}
	var memory arena
	watchdog := memory.duration("JobStreamOptions.Watchdog", notZero(options.Watchdog), time.Millisecond)
	pollInterval := memory.duration("JobStreamOptions.PollInterval", notZero(options.PollInterval), time.Millisecond)
	if memory.err != nil {
		return nil, memory.err
	}
	q, err := theQueue()
	if err != nil {
		return nil, err
	}
	native := C.zeebego_jobs_options{
		max_buffered_jobs:      C.int64_t(options.MaxBufferedJobs),
		max_buffered_job_bytes: C.int64_t(options.MaxBufferedBytes),
		watchdog_ms:            watchdog,
		poll_interval_ms:       pollInterval,
	}
	s := &jobStream{ctx: ctx, arrived: make(chan struct{}, 1), ended: make(chan struct{}), failures: failures{onError: options.OnError}}
	s.mutex.Lock() // before the reader knows it: that waits until all is in place
	defer s.mutex.Unlock()
	tag, err := q.add(s)
	if err != nil {
		return nil, err
	}
	err = takeError(C.zeebego_stream_jobs(c.ptr, q.ptr, C.uint64_t(tag), (*C.uint8_t)(unsafe.SliceData(encoded)), C.size_t(len(encoded)),
		(*C.uint8_t)(unsafe.SliceData(packed)), C.size_t(len(packed)), &native, &s.ptr))
	runtime.KeepAlive(c)
	runtime.KeepAlive(q)
	if err != nil {
		q.remove(tag)
		return nil, err
	}
	s.stopWatching = context.AfterFunc(ctx, s.cancel)
	held := &JobStream{s}
	runtime.AddCleanup(held, (*jobStream).cancel, s)
	return held, nil
}

// Jobs ranges over a stream's jobs until it ends; an error is the last thing it gives. T is the generated ActivatedJob:
//
//	for job, err := range zeebe.Jobs[gatewaypb.ActivatedJob](stream) {
func Jobs[T any, P interface {
	*T
	proto.Message
}](s *JobStream) iter.Seq2[P, error] {
	return func(yield func(P, error) bool) {
		for {
			job := P(new(T))
			switch err := s.Recv(job); {
			case err == io.EOF:
				return
			case err != nil:
				yield(nil, err)
				return
			}
			if !yield(job, nil) {
				return
			}
		}
	}
}

// Recv waits for the next job, an ActivatedJob. io.EOF: the stream was closed, and that was all. Only one goroutine at a time.
func (s *JobStream) Recv(job proto.Message) error {
	defer runtime.KeepAlive(s)
	for {
		message, ended, failure := s.next()
		switch {
		case message != nil:
			defer message.Free()
			if err := proto.Unmarshal(message[0].ReadOnlyData(), job); err != nil {
				return localError(codes.Internal, "the job cannot be decoded: %v", err).processed()
			}
			return nil
		case failure != nil:
			return failure
		case ended:
			return io.EOF
		}
		select {
		case <-s.arrived:
		case <-s.ended:
		}
	}
}

func (s *jobStream) next() (message mem.BufferSlice, ended bool, failure *Error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.messages) > 0 && s.ctx.Err() != nil {
		s.messages.drop() // they go to another worker
		s.isCut = true
	}
	if len(s.messages) == 0 {
		if s.isEnded && s.failure == nil && s.isCut {
			return nil, true, contextError(s.ctx).processed() // the stream's own end had come before that of the context
		}
		return nil, s.isEnded, s.failure
	}
	message = s.messages.take()
	if s.ptr != nil {
		C.zeebe_error_free(C.zeebe_job_stream_request(s.ptr, 1)) // taken
	}
	return message, false, nil
}

// Close ends the stream in order: the gateway is asked for nothing more, and Recv gives the jobs that came, then io.EOF. It does not wait for that.
func (s *JobStream) Close() error {
	defer runtime.KeepAlive(s)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	C.zeebe_job_stream_close(s.ptr)
	return nil
}

// cancel ends it at once.
func (s *jobStream) cancel() {
	s.mutex.Lock()
	ptr := s.ptr
	s.ptr = nil
	s.mutex.Unlock()
	C.zeebe_job_stream_free(ptr)
}

func (s *jobStream) receive(events []C.zeebe_event, _ *queue) (last bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for len(events) > 0 {
		if count := messagesFirst(events); count > 0 {
			s.messages.put(events[:count])
			signal(s.arrived)
			events = events[count:]
			continue
		}
		switch event := &events[0]; event.event_type {
		case C.ZEEBE_EVENT_TYPE_JOB_STREAM_ERROR:
			s.failures.receive(event)
		case C.ZEEBE_EVENT_TYPE_CLOSE:
			if event.error != nil {
				s.failure = callError(event.error).inContext(s.ctx)
				event.error = nil
			}
			s.end()
			return true
		}
		events = events[1:]
	}
	return false
}

// end is once and last. With the mutex.
func (s *jobStream) end() {
	C.zeebe_job_stream_free(s.ptr)
	s.ptr, s.isEnded = nil, true
	if s.stopWatching != nil {
		s.stopWatching()
	}
	close(s.ended)
}

func (s *jobStream) abandon() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.failure = runtimeEnded().processed()
	s.end()
}
