package zeebe

// #include "glue.h"
import "C"

import (
	"encoding/json"
	"fmt"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

// Job is a job of a [JobWorker]. Its fields are what the gateway says of it, for reading; a test of a handler may make one with some of them.
type Job struct {
	// Key is the same each time that the job comes.
	Key                      int64
	Type                     string
	ProcessInstanceKey       int64
	BPMNProcessID            string
	ProcessDefinitionVersion int
	ProcessDefinitionKey     int64
	ElementID                string
	ElementInstanceKey       int64
	WorkerName               string
	// Retries are those that it has left, this one included.
	Retries  int
	TenantID string
	// RawVariables and RawCustomHeaders are JSON objects, or empty: see [Job.Variables] and [Job.CustomHeaders].
	RawVariables, RawCustomHeaders string
	// Kind and ListenerEventType are by the enumerations of ActivatedJob.
	Kind, ListenerEventType int32

	message string // the encoded ActivatedJob, of which the texts are parts
	worker  *JobWorker
	context *jobContext // nil: no worker has it

	mutex      sync.Mutex
	variables  string // of the end that a handler's return is
	hasEnded   bool   // its end has begun
	endsLater  bool
	isReturned bool // from the handler
	waiting    int  // those who wait for its end
	dropped    runtime.Cleanup
}

// newJob takes the job from the event.
func newJob(w *JobWorker, event *C.zeebe_event) *Job {
	context := &jobContext{worker: w, lease: lease{extends: w.extends, ptr: event.job}}
	event.job = nil
	return &Job{worker: w, context: context, message: C.GoStringN((*C.char)(unsafe.Pointer(event.data)), C.int(event.length))}
}

// open is before its handler.
func (j *Job) open() {
	j.ListenerEventType = noListener
	j.read()
	j.context.lease.begin(j.worker.jobTimeout)
}

// noListener is UNSPECIFIED, of a gateway that knows no listeners.
const noListener = 6

// read finds the fields in the message, of which texts stay a part; the library has seen that it is whole.
func (j *Job) read() {
	bytes := unsafe.Slice(unsafe.StringData(j.message), len(j.message))
	for at := 0; at < len(bytes); {
		number, of, length := protowire.ConsumeTag(bytes[at:])
		if length < 0 {
			return
		}
		at += length
		switch of {
		case protowire.VarintType:
			var value uint64
			value, length = protowire.ConsumeVarint(bytes[at:])
			j.setNumber(number, int64(value))
		case protowire.BytesType:
			var value []byte
			value, length = protowire.ConsumeBytes(bytes[at:])
			if text := j.text(number); text != nil && length > 0 {
				*text = j.message[at+length-len(value) : at+length]
			}
		default:
			length = protowire.ConsumeFieldValue(number, of, bytes[at:])
		}
		if length < 0 {
			return
		}
		at += length
	}
}

func (j *Job) setNumber(number protowire.Number, value int64) {
	switch number {
	case 1:
		j.Key = value
	case 3:
		j.ProcessInstanceKey = value
	case 5:
		j.ProcessDefinitionVersion = int(int32(value))
	case 6:
		j.ProcessDefinitionKey = value
	case 8:
		j.ElementInstanceKey = value
	case 11:
		j.Retries = int(int32(value))
	case 12:
		j.context.lease.said = value
	case 16:
		j.Kind = int32(value)
	case 17:
		j.ListenerEventType = int32(value)
	}
}

func (j *Job) text(number protowire.Number) *string {
	switch number {
	case 2:
		return &j.Type
	case 4:
		return &j.BPMNProcessID
	case 7:
		return &j.ElementID
	case 9:
		return &j.RawCustomHeaders
	case 10:
		return &j.WorkerName
	case 13:
		return &j.RawVariables
	case 14:
		return &j.TenantID
	}
	return nil
}

// Message is the encoded ActivatedJob, as it came, with what has no field here: proto.Unmarshal reads it.
func (j *Job) Message() []byte { return []byte(j.message) }

// Variables has encoding/json read the job's variables into what the pointer points to.
func (j *Job) Variables(into any) error {
	if err := json.Unmarshal(object(j.RawVariables), into); err != nil {
		return fmt.Errorf("the variables of the job %d: %w", j.Key, err)
	}
	return nil
}

// CustomHeaders are those of the job's task.
func (j *Job) CustomHeaders() (map[string]string, error) {
	headers := map[string]string{}
	if err := json.Unmarshal(object(j.RawCustomHeaders), &headers); err != nil {
		return nil, fmt.Errorf("the custom headers of the job %d: %w", j.Key, err)
	}
	return headers, nil
}

// object is a JSON object that was given, or one with nothing in it.
func object(given string) []byte {
	if given == "" {
		return []byte("{}")
	}
	return []byte(given)
}

// Deadline is until when the job is this worker's. It moves with [JobWorkerOptions].ExtendTimeout.
func (j *Job) Deadline() time.Time {
	if j.context == nil {
		return time.Time{}
	}
	return j.context.lease.until()
}

// SetVariables are those that the job is completed with when its handler returns nil: what encoding/json makes an object of, or nil for none. Of several
// the last count. So `return job.SetVariables(result)` ends a handler.
func (j *Job) SetVariables(variables any) error {
	encoded, err := encodeVariables(variables)
	if err != nil {
		return err
	}
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.variables = encoded
	return nil
}

// EndLater says that the return of the handler is not the job's end: the program calls Complete, Fail or ThrowError later, on any goroutine. The handler's
// context lasts until then. A handler that returns an error fails the job all the same. A job that the program drops without an end fails once the
// garbage collector finds it, or is left to its time-out, with [JobWorkerOptions].LeaveFreedJobs.
func (j *Job) EndLater() {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if j.context != nil && !j.context.lease.isOver() && !j.endsLater {
		j.endsLater = true
		j.dropped = runtime.AddCleanup(j, (*jobContext).drop, j.context)
	}
}
