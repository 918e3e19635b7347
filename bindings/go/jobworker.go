package zeebe

// #include "glue.h"
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
)

// JobHandler works on one job; it is called on a goroutine of its own. What it returns is the job's end, unless it has ended it itself, or will
// ([Job.EndLater]): nil completes it, with the variables of [Job.SetVariables]; a [*BPMNError], wrapped or not, is thrown; any other error fails it, as a
// [*JobFailure] says, or with one retry less; and so does a panic. The worker goes on.
//
// The context is done at the job's deadline, when the worker has ended, its grace over, and when the job has ended.
type JobHandler func(ctx context.Context, job *Job) error

// Typed is a handler of variables that are of a type: encoding/json reads In, and makes an object of Out, with which the job is completed.
func Typed[In, Out any](handle func(ctx context.Context, job *Job, variables In) (Out, error)) JobHandler {
	return func(ctx context.Context, job *Job) error {
		var in In
		if err := job.Variables(&in); err != nil {
			return err
		}
		out, err := handle(ctx, job, in)
		if err != nil {
			return err
		}
		return job.SetVariables(out)
	}
}

// JobWorker works on the jobs of one type: see [Channel.NewJobWorker].
type JobWorker struct {
	handler    JobHandler
	jobTimeout time.Duration
	extends    bool
	onJobError func(job *Job, err error)
	failures   failures

	channel *Channel // stays open
	handed  chan *Job
	idle    atomic.Int32 // goroutines that wait for a job
	queue   *queue
	jobs    sync.WaitGroup // from their arrival until their handler has returned, and what comes of its end is known
	ended   chan struct{}  // closed once the library's worker has ended
	done    chan struct{}  // and there are no jobs
	isOver  atomic.Bool    // jobs are not ours any more

	mutex   sync.Mutex
	ptr     *C.zeebe_job_worker // NULL: ended at once
	watched map[*jobContext]struct{}
	failure *Error
	cleanup runtime.Cleanup
}

// How long a job is ours if no option says it.
const defaultJobTimeout = 300 * time.Second

// NewJobWorker has jobs of one type worked on, until the worker is closed, its channel is, or the gateway refuses it for good. It does not wait.
//
// Jobs come by a stream that takes care of itself, and by polls beside it, as for [Channel.StreamJobs]. Of those that are here, HandlersAtOnce of the options
// are in handlers, each on a goroutine; the rest cost no goroutine. Ends are sent until it is known what comes of them, or the job is not ours any more.
//
// A worker that the program drops goes on. Close it before its channel: [JobWorker.Close].
func (c *Channel) NewJobWorker(jobType string, handler JobHandler, options JobWorkerOptions) (*JobWorker, error) {
	if handler == nil {
		return nil, invalidArgument("the handler is nil")
	}
	var memory arena
	defer memory.free()
	native := options.native(&memory, jobType)
	q, err := theQueue()
	if err != nil {
		return nil, err
	}
	w := &JobWorker{
		handler: handler, jobTimeout: defaultJobTimeout, extends: options.ExtendTimeout, onJobError: options.OnJobError, failures: failures{onError: options.OnError},
		channel: c, handed: make(chan *Job), queue: q, ended: make(chan struct{}), done: make(chan struct{}), watched: map[*jobContext]struct{}{},
	}
	if options.JobTimeout > 0 {
		w.jobTimeout = options.JobTimeout
	}
	tag, err := q.add(w)
	if err != nil {
		return nil, err
	}
	w.mutex.Lock() // the reader waits until all is in place
	defer w.mutex.Unlock()
	err = memory.create(func() *C.zeebe_error {
		return C.zeebe_job_worker_start_on_queue(c.ptr, native, q.ptr, C.uint64_t(tag), &w.ptr)
	})
	if err != nil {
		q.remove(tag)
		return nil, err
	}
	// The queue knows it until it has ended; its counts are there for as long as it is.
	w.cleanup = runtime.AddCleanup(w, func(ptr *C.zeebe_job_worker) { C.zeebe_job_worker_free(ptr) }, w.ptr)
	return w, nil
}

// ---- the end ----

// Close ends the worker in order, and waits for that: no more jobs come, handlers may go on for as long as the options' Grace, and their ends are sent. What
// no handler has goes back to the gateway at once, without the loss of a retry. What has not ended then is left to its time-out; its handler's context is
// done, and its handler is waited for.
//
// When the context is done before, the worker ends at once, and the context's error is returned. Else it is [JobWorker.Err]. A handler does not wait for the
// end of its own worker.
func (w *JobWorker) Close(ctx context.Context) error {
	w.mutex.Lock()
	C.zeebe_job_worker_close(w.ptr)
	w.mutex.Unlock()
	select {
	case <-w.done:
		return w.Err()
	case <-ctx.Done():
	}
	select {
	case <-w.done: // what came first counts
		return w.Err()
	case <-w.ended: // but for its handlers
	default:
		w.endAtOnce()
		<-w.ended
	}
	late := contextError(ctx)
	late.call = false
	return late
}

// endAtOnce leaves what has not ended to its time-out.
func (w *JobWorker) endAtOnce() {
	w.isOver.Store(true)
	w.mutex.Lock()
	ptr := w.ptr
	w.ptr = nil
	if ptr != nil {
		w.cleanup.Stop()
	}
	w.mutex.Unlock()
	C.zeebe_job_worker_free(ptr)
}

// Done is closed once the worker has ended, for whatever reason, and no handler of it runs.
func (w *JobWorker) Done() <-chan struct{} { return w.done }

// Err is why the worker ended: nil while it has not, and after a Close that all jobs ended in. Else an [*Error], such as PermissionDenied, which the gateway
// said, or DeadlineExceeded, when the grace was over.
func (w *JobWorker) Err() error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.failure == nil {
		return nil
	}
	return w.failure
}

func (w *JobWorker) receive(events []C.zeebe_event, _ *queue) (last bool) {
	for i := range events {
		switch event := &events[i]; event.event_type {
		case C.ZEEBE_EVENT_TYPE_JOB:
			if !w.isOver.Load() {
				w.jobs.Add(1)
				w.hand(newJob(w, event))
			}
		case C.ZEEBE_EVENT_TYPE_JOB_STREAM_ERROR:
			w.failures.receive(event)
		case C.ZEEBE_EVENT_TYPE_CLOSE:
			var failure *Error
			if event.error != nil {
				failure = newError(event.error)
				event.error = nil
			}
			w.end(failure)
			return true
		}
	}
	return false
}

func (w *JobWorker) abandon() { w.end(runtimeEnded()) }

// end is once and last.
func (w *JobWorker) end(failure *Error) {
	w.isOver.Store(true)
	w.mutex.Lock()
	w.failure = failure
	watched := w.watched
	w.watched = nil
	w.mutex.Unlock()
	close(w.ended)
	for watching := range watched {
		watching.finish(context.Canceled)
	}
	go func() {
		w.jobs.Wait()
		close(w.done)
	}()
}

// ---- jobs ----

func (w *JobWorker) watch(c *jobContext) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.watched == nil {
		go c.finish(context.Canceled)
		return
	}
	w.watched[c] = struct{}{}
}

func (w *JobWorker) unwatch(c *jobContext) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	delete(w.watched, c)
}

var errGoexit = errors.New("the handler ended its goroutine")

// hand gives a job to a goroutine that waits for one, whose stack has grown as handlers need it, or to a new one.
func (w *JobWorker) hand(j *Job) {
	select {
	case w.handed <- j:
	default:
		go w.workOn(j)
	}
}

// workOn works on jobs for as long as there are some; a few goroutines stay until the worker has ended.
func (w *JobWorker) workOn(j *Job) {
	for {
		w.work(j)
		if w.idle.Add(1) > idleKept {
			w.idle.Add(-1)
			return
		}
		select {
		case j = <-w.handed:
			w.idle.Add(-1)
		case <-w.ended:
			return
		}
	}
}

// Goroutines that wait for the next job of a worker.
const idleKept = 32

// work has the job worked on, and ends it as that comes out.
func (w *JobWorker) work(j *Job) {
	defer w.jobs.Done()
	j.open()
	err := errGoexit // unless the handler returns or panics
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{value, debug.Stack()}
		}
		j.returned(err)
	}()
	err = w.handler(j.context, j)
}

// returned ends the job as its handler has come out, unless the handler has, or will.
func (j *Job) returned(err error) {
	if failure := j.endBy(err); failure != nil {
		j.worker.tell(j, failure)
	}
	if thrown := (*BPMNError)(nil); err != nil && !errors.As(err, &thrown) {
		j.worker.tell(j, err)
	}
	j.release()
}

func (j *Job) endBy(err error) error {
	end, refusal := j.endOf(err)
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.isReturned = true
	if j.hasEnded || err == nil && j.endsLater {
		return refusal
	}
	failure := j.mayEnd()
	if failure == nil {
		failure = j.beginToTell(&end)
	}
	if !j.endsLater { // it is left to its time-out, if its end has not begun
		j.context.lease.giveUp()
	}
	return errors.Join(refusal, failure)
}

// endOf is the end that the outcome of a handler is for. One that cannot be sent fails the job with the reason.
func (j *Job) endOf(err error) (end ending, refusal error) {
	thrown := (*BPMNError)(nil)
	switch {
	case err == nil:
		j.mutex.Lock()
		defer j.mutex.Unlock()
		return ending{how: C.ZEEBEGO_COMPLETE, variables: j.variables}, nil
	case errors.As(err, &thrown):
		end, refusal = throwing(thrown)
	default:
		end, refusal = failing(err)
	}
	if refusal != nil {
		end, _ = failing(fmt.Errorf("%v; %v", err, refusal))
	}
	return end, refusal
}

// beginToTell ends the job; the program is told if nothing comes of that. With the mutex.
func (j *Job) beginToTell(end *ending) error {
	q := j.worker.queue
	j.worker.jobs.Add(1) // before what comes of it can
	tag, err := q.add(j)
	if err != nil {
		j.worker.jobs.Done()
		return err
	}
	err = takeError(j.begin(end, q.ptr, C.uint64_t(tag)))
	runtime.KeepAlive(q)
	if err == nil || !q.remove(tag) { // what was abandoned meanwhile has told so
		return nil
	}
	j.worker.jobs.Done()
	return err
}

// receive gets what came of the end that a handler's return was.
func (j *Job) receive(events []C.zeebe_event, _ *queue) bool {
	j.settled(eventError(&events[0]))
	return true
}

func (j *Job) abandon() { j.settled(runtimeEnded()) }

// settled does not hold up the reader.
func (j *Job) settled(err error) {
	w := j.worker
	if err == nil {
		w.jobs.Done()
		return
	}
	go func() {
		defer w.jobs.Done()
		w.tell(j, j.endError(err))
	}()
}

func (w *JobWorker) tell(j *Job, err error) {
	if w.onJobError != nil {
		w.onJobError(j, err)
		return
	}
	arguments := []any{"type", j.Type, "key", j.Key, "error", err}
	if panicked := (*PanicError)(nil); errors.As(err, &panicked) {
		arguments = append(arguments, "stack", string(panicked.Stack))
	}
	slog.Warn("zeebe: a job was not completed", arguments...)
}

// ---- what it did ----

// handle is another one of the library's worker, to be freed; NULL if the worker was ended at once.
func (w *JobWorker) handle() *C.zeebe_job_worker {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return C.zeebe_job_worker_ref(w.ptr)
}

// Stats is what the worker did, as JSON: jobs by what became of them, and how long they took. zeebe.h says what is in it. A worker that was ended at once,
// by the context of its Close, has none.
func (w *JobWorker) Stats() (json.RawMessage, error) {
	handle := w.handle()
	if handle == nil {
		return nil, &Error{Kind: KindShutdown, Source: SourceCaller, Code: codes.Unavailable, Message: "the worker was ended at once", RetryAfter: -1}
	}
	defer C.zeebe_job_worker_free(handle)
	var text *C.char
	if err := takeError(C.zeebe_job_worker_stats(handle, &text)); err != nil {
		return nil, err
	}
	return json.RawMessage(takeString(text)), nil
}

// PrometheusText is the same of all these workers as Prometheus reads it (text format 0.0.4), with the labels `type` and `worker`. All workers of a program
// in one call: each metric is described once in a text. One that was ended at once is left out.
func PrometheusText(workers ...*JobWorker) (string, error) {
	handles := make([]*C.zeebe_job_worker, 0, len(workers))
	for _, w := range workers {
		if handle := w.handle(); handle != nil {
			defer C.zeebe_job_worker_free(handle)
			handles = append(handles, handle)
		}
	}
	return textOf(handles, func(first **C.zeebe_job_worker, count C.size_t, text **C.char) *C.zeebe_error {
		return C.zeebe_job_workers_prometheus(first, count, text)
	})
}
