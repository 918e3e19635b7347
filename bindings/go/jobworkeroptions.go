package zeebe

// #include "glue.h"
import "C"

import (
	"time"

	"google.golang.org/grpc/metadata"
)

const (
	// NoGrace, as [JobWorkerOptions].Grace: what has not ended when the worker is closed is left to its time-out.
	NoGrace time.Duration = -1
	// NoJitter, as [JobWorkerOptions].BackoffJitterPercent: pauses are as long as they say.
	NoJitter = -1
)

// JobWorkerOptions are those of [Channel.NewJobWorker]. The zero value of each is "not given". Durations are rounded up to milliseconds.
type JobWorkerOptions struct {
	// WorkerName is what the gateway calls the worker: else libzeebe.
	WorkerName string
	// JobTimeout is how long a job is this worker's; then the gateway gives it to another: else 300 s.
	JobTimeout time.Duration
	// MaxJobsActive is how many jobs are here at most, from their arrival until their end is known, 1 to 100 000: else 32. A slow worker leaves the rest
	// with the gateway.
	MaxJobsActive int
	// HandlersAtOnce is how many of those handlers have at once, 1 to 100 000: else as many as may be active. The others wait, and need no goroutine.
	HandlersAtOnce int
	// FetchVariables are the names of the variables that jobs have: else all.
	FetchVariables []string
	// TenantIDs are the tenants whose jobs come: else the default tenant's.
	TenantIDs []string
	// PollsAlone: no stream of jobs is opened, ActivateJobs alone brings them.
	PollsAlone bool
	// ExtendTimeout: half of a job's time before its time-out passes while it is worked on, the gateway is asked for as much anew. The handler's
	// context knows: its deadline moves, and it is done when the gateway says that the job is another's.
	ExtendTimeout bool
	// LeaveFreedJobs: a job that is to end later ([Job.EndLater]) and that the garbage collector finds dropped is left to its time-out. Else it fails.
	LeaveFreedJobs bool
	// ForwardTraceContext: `traceparent`, `tracestate` and `baggage` of a job's custom headers are metadata of the call that ends it.
	ForwardTraceContext bool
	// Watchdog: a stream that brought no job for so long is opened anew: else a minute.
	Watchdog time.Duration
	// StreamTimeout: a stream is opened anew after so long, whatever it brings, so that the streams of many workers spread over gateways that come and go.
	// Else it is not.
	StreamTimeout time.Duration
	// PollInterval is how often ActivateJobs looks for jobs that the stream did not bring, ± 10 %: else ten seconds. With PollsAlone, from the beginning
	// of one that found nothing to the next.
	PollInterval time.Duration
	// RequestTimeout is how long the gateway may hold an ActivateJobs while it has no jobs, with PollsAlone, and until the call that ends a job is sent
	// again: else ten seconds.
	RequestTimeout time.Duration
	// BackoffMin is the first pause after a poll that failed, or before an end is sent again, a day at most: else 50 ms.
	BackoffMin time.Duration
	// BackoffMax is the longest, a day at most: else 5 s.
	BackoffMax time.Duration
	// BackoffFactorPercent is what a pause is to the one before, 100 to 1000: else 160.
	BackoffFactorPercent int
	// BackoffJitterPercent is how far a pause may be off by chance, 1 to 100, or [NoJitter]: else 10.
	BackoffJitterPercent int
	// RetryBackoff is until a job that failed comes again, unless its [JobFailure] says it: else it comes at once.
	RetryBackoff time.Duration
	// Grace is how long [JobWorker.Close] waits for jobs that are worked on, or [NoGrace]: else ten seconds.
	Grace time.Duration
	// Metadata is sent with every call.
	Metadata metadata.MD
	// OnError is told of each failure of the stream and the polls that the worker goes on after: how many there were in a row, and the pause before the
	// next try. It is called by a goroutine of its own, one failure after another; of those that come meanwhile, the last are kept. May be nil.
	OnError func(err error, failuresInARow int, pause time.Duration) `json:"-"`
	// OnJobError is told, on any goroutine, also beside itself, of what else nobody would hear of: the error that a handler returned, but for a
	// [*BPMNError]; a panic of it, a [*PanicError]; and why the end that its return was for the job did not come about, a [*JobEndError]. Nil: they are
	// warnings of slog's default logger.
	OnJobError func(job *Job, err error) `json:"-"`
}

func (o *JobWorkerOptions) native(memory *arena, jobType string) *C.zeebe_job_worker_options {
	native := (*C.zeebe_job_worker_options)(memory.allocate(C.sizeof_zeebe_job_worker_options))
	duration := func(option string, given time.Duration) C.int64_t {
		return memory.duration("JobWorkerOptions."+option, notZero(given), time.Millisecond)
	}
	native.size = C.sizeof_zeebe_job_worker_options
	native.job_type = memory.text("the job type", &jobType)
	native.worker_name = memory.notEmpty("JobWorkerOptions.WorkerName", o.WorkerName)
	native.job_timeout_ms = duration("JobTimeout", o.JobTimeout)
	native.max_jobs_active = C.int64_t(o.MaxJobsActive)
	native.handlers_at_once = C.int64_t(o.HandlersAtOnce)
	native.fetch_variables, native.fetch_variables_count = memory.texts("JobWorkerOptions.FetchVariables", o.FetchVariables)
	native.tenant_ids, native.tenant_ids_count = memory.texts("JobWorkerOptions.TenantIDs", o.TenantIDs)
	native.polls_alone = flag(o.PollsAlone)
	native.extend_timeout = flag(o.ExtendTimeout)
	native.leave_freed_jobs = flag(o.LeaveFreedJobs)
	native.forward_trace_context = flag(o.ForwardTraceContext)
	native.watchdog_ms = duration("Watchdog", o.Watchdog)
	native.stream_timeout_ms = duration("StreamTimeout", o.StreamTimeout)
	native.poll_interval_ms = duration("PollInterval", o.PollInterval)
	native.request_timeout_ms = duration("RequestTimeout", o.RequestTimeout)
	native.backoff_min_ms = duration("BackoffMin", o.BackoffMin)
	native.backoff_max_ms = duration("BackoffMax", o.BackoffMax)
	native.backoff_factor_percent = C.int64_t(o.BackoffFactorPercent)
	native.backoff_jitter_percent = C.int64_t(o.BackoffJitterPercent) // NoJitter is C's
	native.retry_backoff_ms = duration("RetryBackoff", o.RetryBackoff)
	native.grace_ms = C.ZEEBE_GRACE_NONE
	if o.Grace != NoGrace {
		native.grace_ms = duration("Grace", o.Grace)
	}
	native.metadata = memory.metadata(o.Metadata)
	return native
}
