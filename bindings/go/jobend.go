package zeebe

// #include "glue.h"
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"
	"unsafe"

	"google.golang.org/grpc/codes"
)

// JobOutcome is what became of a job's end.
type JobOutcome int32

const (
	// JobEnded: the gateway has taken it: the job is completed, has failed, or has thrown its error.
	JobEnded JobOutcome = C.ZEEBE_JOB_OUTCOME_ENDED
	// JobNotEnded: the gateway has not taken it, and will not: the job comes again, to some worker, or is another's or nobody's by now.
	JobNotEnded JobOutcome = C.ZEEBE_JOB_OUTCOME_NOT_ENDED
	// JobEndUnknown: the gateway may have taken it, or not: an answer was lost. If it has not, the job comes again.
	JobEndUnknown JobOutcome = C.ZEEBE_JOB_OUTCOME_UNKNOWN
)

// String is the outcome's name, as in zeebe.h.
func (o JobOutcome) String() string { return name(int(o), "NONE", "ENDED", "NOT_ENDED", "UNKNOWN") }

// JobEndError is why the end of a job is not known to have come about.
type JobEndError struct {
	// Key is the job's.
	Key int64
	// Outcome is JobNotEnded or JobEndUnknown; Err.MayHaveBeenProcessed says the same.
	Outcome JobOutcome
	// Err is the last failure.
	Err *Error
}

// Error says both.
func (e *JobEndError) Error() string {
	what := "was not ended"
	if e.Outcome == JobEndUnknown {
		what = "may have been ended, or not"
	}
	return fmt.Sprintf("zeebe: the job %d %s: %v", e.Key, what, e.Err)
}

// Unwrap is the last failure.
func (e *JobEndError) Unwrap() error { return e.Err }

// BPMNError is an error that an event of the process may catch; if none does, there is an incident. A handler that returns one, wrapped or not, ends the
// job with it.
type BPMNError struct {
	// Code is what events go by.
	Code string
	// Message says why, to people. May be empty.
	Message string
	// Variables are set where the error is caught: what encoding/json makes an object of, or nil for none.
	Variables any
}

// Error says the code and the message.
func (e *BPMNError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("the BPMN error %q", e.Code)
	}
	return fmt.Sprintf("the BPMN error %q: %s", e.Code, e.Message)
}

// JobFailure is an error that says how a job fails. A handler that returns one, wrapped or not, fails the job so. Any other error fails it with one retry
// less.
type JobFailure struct {
	// Err is why; the words of the error that is returned are the failure's message.
	Err error
	// Retries are how many are left, such as new(2): nil, one less than the job has. Without one there is an incident.
	Retries *int
	// RetryBackoff is until the job comes again, rounded up to milliseconds; 0: it comes at once. Nil: that of the worker's options.
	RetryBackoff *time.Duration
	// Variables are set where the task is: what encoding/json makes an object of, or nil for none.
	Variables any
}

// Error says why.
func (f *JobFailure) Error() string {
	if f.Err == nil {
		return "the job failed"
	}
	return f.Err.Error()
}

// Unwrap is why.
func (f *JobFailure) Unwrap() error { return f.Err }

// PanicError is a handler's panic. Its job has failed with it, whatever the value.
type PanicError struct {
	// Value is what the handler panicked with.
	Value any
	// Stack is where.
	Stack []byte
}

// Error says the value.
func (e *PanicError) Error() string { return fmt.Sprintf("the handler panicked: %v", e.Value) }

// Complete completes the job, and waits until it is known what comes of that. The context is of the waiting alone: the end is sent, and sent again,
// without it. The variables are what encoding/json makes an object of, or nil for none.
//
// A job ends once: a second end is an [*Error] of KindIllegalState. An end is sent again, with growing pauses, while the job is this worker's. What has not
// come about is a [*JobEndError]; what was refused before it was sent is an [*Error] alone, and then the job may still be ended.
func (j *Job) Complete(ctx context.Context, variables any) error {
	end, err := completion(variables)
	if err != nil {
		return err
	}
	return j.endAndWait(ctx, end)
}

// Fail says that the job failed, and why: an error is a [JobFailure], or one retry less. All else as [Job.Complete].
func (j *Job) Fail(ctx context.Context, why error) error {
	end, err := failing(why)
	if err != nil {
		return err
	}
	return j.endAndWait(ctx, end)
}

// ThrowError throws a BPMN error. All else as [Job.Complete].
func (j *Job) ThrowError(ctx context.Context, thrown *BPMNError) error {
	end, err := throwing(thrown)
	if err != nil {
		return err
	}
	return j.endAndWait(ctx, end)
}

// ---- what is sent ----

// ending is an end of a job; its texts have their NUL, or are not given.
type ending struct {
	how                      C.int
	retries                  C.int32_t
	backoff                  C.int64_t
	code, message, variables string
}

func completion(variables any) (ending, error) {
	encoded, err := encodeVariables(variables)
	return ending{how: C.ZEEBEGO_COMPLETE, variables: encoded}, err
}

func failing(why error) (end ending, err error) {
	end = ending{how: C.ZEEBEGO_FAIL, retries: C.ZEEBE_RETRIES_ONE_LESS, backoff: -1, message: words(why)}
	failure := (*JobFailure)(nil)
	if !errors.As(why, &failure) || failure == nil {
		return end, nil
	}
	if failure.Retries != nil {
		if *failure.Retries < 0 || *failure.Retries > math.MaxInt32 {
			return end, invalidArgument(fmt.Sprintf("JobFailure.Retries is %d: it is 0 to %d", *failure.Retries, math.MaxInt32))
		}
		end.retries = C.int32_t(*failure.Retries)
	}
	if failure.RetryBackoff != nil {
		if *failure.RetryBackoff < 0 {
			return end, invalidArgument(fmt.Sprintf("JobFailure.RetryBackoff is %v, and cannot be negative", *failure.RetryBackoff))
		}
		end.backoff = roundUp(*failure.RetryBackoff, time.Millisecond)
	}
	end.variables, err = encodeVariables(failure.Variables)
	return end, err
}

func throwing(thrown *BPMNError) (end ending, err error) {
	if thrown == nil {
		return end, invalidArgument("the BPMN error is nil")
	}
	if at := strings.IndexByte(thrown.Code, 0); at >= 0 {
		return end, invalidArgument(fmt.Sprintf("BPMNError.Code has a NUL character, at byte %d, and C's strings cannot hold one", at))
	}
	end = ending{how: C.ZEEBEGO_THROW_ERROR, code: thrown.Code + "\x00", message: terminated(thrown.Message)}
	end.variables, err = encodeVariables(thrown.Variables)
	return end, err
}

// encodeVariables is a JSON object with a NUL behind it, or nothing.
func encodeVariables(variables any) (string, error) {
	if variables == nil {
		return "", nil
	}
	encoded, err := json.Marshal(variables)
	switch {
	case err != nil:
		return "", invalidArgument(fmt.Sprintf("the variables cannot be encoded: %v", err))
	case string(encoded) == "null":
		return "", nil
	case encoded[0] != '{':
		return "", invalidArgument(fmt.Sprintf("the variables are a %T, which is no JSON object; what is JSON already is given as json.RawMessage", variables))
	}
	return string(append(encoded, 0)), nil
}

// words are an error's, as C can have them.
func words(why error) string {
	if why == nil {
		return ""
	}
	return terminated(why.Error())
}

// terminated is text for people, with a NUL behind it, or nothing. What C cannot hold is replaced: no job is to be lost for that.
func terminated(text string) string {
	if text == "" {
		return ""
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD") + "\x00"
}

// ---- how it is sent ----

// begin ends the job, once; the queue tells the tag what comes of that.
func (j *Job) begin(end *ending, queue *C.zeebe_completion_queue, tag C.uint64_t) *C.zeebe_error {
	failure := j.context.lease.end(func(ptr *C.zeebe_job) *C.zeebe_error {
		return C.zeebego_end_job(ptr, queue, tag, end.how, end.retries, end.backoff, text(end.code), text(end.message), text(end.variables))
	})
	runtime.KeepAlive(end)
	if failure == nil {
		j.hasEnded = true
		if j.endsLater {
			j.dropped.Stop()
		}
	}
	return failure
}

// text is C's of one that has its NUL.
func text(terminated string) *C.char {
	if terminated == "" {
		return nil
	}
	return (*C.char)(unsafe.Pointer(unsafe.StringData(terminated)))
}

// mayEnd is why the job cannot be ended, or nil. With the mutex.
func (j *Job) mayEnd() error {
	switch {
	case j.hasEnded:
		return &Error{Kind: KindIllegalState, Source: SourceCaller, Code: codes.FailedPrecondition, RetryAfter: -1,
			Message: fmt.Sprintf("the job %d was ended before: it can be completed, failed or made to throw an error once", j.Key)}
	case j.context == nil || j.context.lease.isOver():
		return &Error{Kind: KindShutdown, Source: SourceLibrary, Code: codes.Unavailable, RetryAfter: -1,
			Message: fmt.Sprintf("the job %d is no worker's any more: it was left to its time-out", j.Key)}
	}
	return nil
}

func (j *Job) endAndWait(ctx context.Context, end ending) error {
	w, err := j.beginToWait(&end)
	if err != nil {
		return err
	}
	err = j.endError(w.wait(ctx))
	j.mutex.Lock()
	j.waiting--
	j.mutex.Unlock()
	j.release()
	return err
}

func (j *Job) beginToWait(end *ending) (*waiter, error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if err := j.mayEnd(); err != nil {
		return nil, err
	}
	w, err := begin(func(queue *C.zeebe_completion_queue, tag C.uint64_t) *C.zeebe_error { return j.begin(end, queue, tag) })
	if err == nil {
		j.waiting++
	}
	return w, err
}

// release ends the handler's context once nobody needs it: the handler has returned, and the job's end is known or not waited for.
func (j *Job) release() {
	j.mutex.Lock()
	isIdle := j.isReturned && j.waiting == 0 && (j.hasEnded || !j.endsLater)
	j.mutex.Unlock()
	if isIdle {
		j.context.finish(context.Canceled)
	}
}

// ---- what comes of it ----

// eventError is why what an event ends did not go well, or nil.
func eventError(event *C.zeebe_event) error {
	if event.error == nil {
		return nil
	}
	failure := newError(event.error)
	event.error = nil
	if event.event_type != C.ZEEBE_EVENT_TYPE_JOB_ENDED {
		return failure
	}
	return &JobEndError{Outcome: JobOutcome(event.outcome), Err: failure}
}

// endError is the same of this job. What else fails a wait says nothing of the end.
func (j *Job) endError(err error) error {
	if err == nil {
		return nil
	}
	ended, failure := (*JobEndError)(nil), (*Error)(nil)
	if !errors.As(err, &ended) {
		errors.As(err, &failure)
		ended = &JobEndError{Outcome: JobEndUnknown, Err: failure}
	}
	ended.Key = j.Key
	ended.Err.MayHaveBeenProcessed = ended.Outcome == JobEndUnknown
	return ended
}
