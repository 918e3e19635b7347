package zeebe

// #include "glue.h"
import "C"

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
)

// receiver is told by the reader what happens to it. It must not block.
type receiver interface {
	// receive gets events of its tag that came one after the other, at least one; true if that was the last one. It may keep what an event owns by
	// clearing the pointer to it.
	receive(events []C.zeebe_event, reader *queue) (last bool)
	// abandon says that no event comes any more: the runtime was shut down.
	abandon()
}

// queue is the library's completion queue with the goroutine that reads it, the only one of the process.
type queue struct {
	ptr   *C.zeebe_completion_queue
	batch *C.zeebego_batch
	file  *os.File // a descriptor of our own on what says that there are events
	ended chan struct{}

	receivers
}

var (
	currentQueue atomic.Pointer[queue]
	queueMutex   sync.Mutex // held while one is made
)

// theQueue is the queue of this runtime, made when it is first needed.
func theQueue() (*queue, error) {
	if q := currentQueue.Load(); q != nil {
		return q, nil
	}
	queueMutex.Lock()
	defer queueMutex.Unlock()
	if q := currentQueue.Load(); q != nil {
		return q, nil
	}
	q, err := newQueue()
	if err == nil {
		currentQueue.Store(q)
	}
	return q, err
}

func newQueue() (*queue, error) {
	configureByDefault()
	q := &queue{ended: make(chan struct{})}
	if err := takeError(C.zeebe_completion_queue_new(&q.ptr)); err != nil {
		return nil, err
	}
	var theirs C.int32_t
	if err := takeError(C.zeebe_completion_queue_fd(q.ptr, &theirs)); err != nil {
		C.zeebe_completion_queue_free(q.ptr)
		return nil, err
	}
	// The library closes its descriptor, os.File this one.
	ours, err := unix.FcntlInt(uintptr(theirs), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		C.zeebe_completion_queue_free(q.ptr)
		return nil, localError(codes.Internal, "cannot copy an event descriptor: %v", err)
	}
	// Go's poller takes only what never blocks.
	if err := unix.SetNonblock(ours, true); err != nil {
		C.zeebe_completion_queue_free(q.ptr)
		_ = unix.Close(ours)
		return nil, localError(codes.Internal, "cannot make an event descriptor non-blocking: %v", err)
	}
	q.file = os.NewFile(uintptr(ours), "zeebe completion queue")
	q.batch = (*C.zeebego_batch)(C.calloc(1, C.sizeof_zeebego_batch))
	// Later than the end: who found it before that may still be using it.
	runtime.AddCleanup(q, func(ptr *C.zeebe_completion_queue) { C.zeebe_completion_queue_free(ptr) }, q.ptr)
	go q.read()
	return q, nil
}

// read takes events in batches until the queue has ended, and without I/O threads does the I/O by that. While there are none it waits in Go's
// poller, without a thread: after each batch it takes again first, as who drives must.
func (q *queue) read() {
	waiting, err := q.file.SyscallConn()
	for err == nil {
		var failure *C.zeebe_error
		err = waiting.Read(func(uintptr) bool {
			failure = C.zeebego_next(q.ptr, q.batch)
			return failure != nil || q.batch.count > 0
		})
		if failure != nil {
			C.zeebe_error_free(failure) // SHUTDOWN: the runtime has ended
			break
		}
		q.deliver()
		runtime.Gosched() // who was woken goes on first, and what it begins is taken with the next batch
	}
	q.end()
}

func (q *queue) deliver() {
	events := q.batch.events[:q.batch.count]
	for len(events) > 0 {
		tag, count := events[0].tag, 1
		for count < len(events) && events[count].tag == tag {
			count++
		}
		if r := q.get(uint64(tag)); r != nil && r.receive(events[:count], q) {
			q.remove(uint64(tag))
		}
		events = events[count:]
	}
}

// freeCall frees the handle of a call that has ended, with the reader's next crossing; only for receivers, once an event.
func (q *queue) freeCall(call *C.zeebe_call) {
	q.batch.ended[q.batch.ended_count] = call
	q.batch.ended_count++
}

func (q *queue) end() {
	currentQueue.CompareAndSwap(q, nil)
	q.abandon()
	_ = q.file.Close()
	C.free(unsafe.Pointer(q.batch))
	close(q.ended)
}

// callHandle is a call's handle: used by any number of goroutines, freed once, by whoever comes last. The zero value is ready.
type callHandle struct {
	mutex sync.Mutex
	call  *C.zeebe_call
	ended bool
}

// set takes the handle; a call that has ended meanwhile needs none.
func (h *callHandle) set(call *C.zeebe_call) {
	h.mutex.Lock()
	if !h.ended {
		h.call, call = call, nil
	}
	h.mutex.Unlock()
	if call != nil {
		C.zeebe_call_free(call)
	}
}

// end takes the handle away for good; NULL if there is none.
func (h *callHandle) end() *C.zeebe_call {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	call := h.call
	h.call, h.ended = nil, true
	return call
}

// with lends the handle; false if the call has ended.
func (h *callHandle) with(use func(*C.zeebe_call)) bool {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.call != nil {
		use(h.call)
	}
	return h.call != nil
}

func (h *callHandle) cancel() {
	h.with(func(call *C.zeebe_call) { C.zeebe_call_cancel(call, nil) })
}
