package zeebe_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"libzeebe.org/go/zeebe"
	"libzeebe.org/go/zeebe/gatewaypb"
)

func TestJobsVariables(t *testing.T) {
	b := newBench(t)
	type order struct {
		Order string
		Total int64
	}
	handle := zeebe.Typed(func(_ context.Context, job *zeebe.Job, in order) (map[string]any, error) {
		if in.Order == "" {
			return nil, errors.New("no order")
		}
		return map[string]any{"paid": in.Total, "of": in.Order}, nil
	})
	var asked atomic.Pointer[func(*zeebe.Job) error]
	told := make(chan error, 8)
	b.worker(func(ctx context.Context, job *zeebe.Job) error {
		if how := asked.Load(); how != nil {
			return (*how)(job)
		}
		return handle(ctx, job)
	}, zeebe.JobWorkerOptions{OnJobError: func(_ *zeebe.Job, err error) { told <- err }})
	if result := b.result(`{"order":"\u0000ü","total":7}`); result["paid"] != 7.0 || result["of"] != "\x00ü" {
		t.Fatal(result)
	}
	for _, row := range []struct {
		given any
		want  string
	}{
		{nil, "map[]"}, {map[string]int(nil), "map[]"}, {(*order)(nil), "map[]"}, {json.RawMessage(`{"raw": 1}`), "map[raw:1]"}, {struct{ A, B int }{1, 2}, "map[A:1 B:2]"},
	} {
		how := func(job *zeebe.Job) error { return job.SetVariables(row.given) }
		asked.Store(&how)
		if result := b.result(""); fmt.Sprint(result) != row.want {
			t.Errorf("%v is %v", row.given, result)
		}
	}
	// What is no object fails the job with the reason, and is told.
	for _, given := range []any{1, "text", []int{1}, `{"a":1}`, math.NaN(), func() {}, json.RawMessage(`{`), true} {
		var once atomic.Bool
		how := func(job *zeebe.Job) error {
			if once.Swap(true) {
				return nil
			}
			return job.SetVariables(given)
		}
		asked.Store(&how)
		b.result("")
		refused := failure(t, get(t, told), codes.InvalidArgument)
		if !strings.Contains(refused.Message, "the variables") {
			t.Error(refused)
		}
	}
	asked.Store(nil)
	b.instances(1, `{"order":7}`)
	if said := b.incident(); !strings.Contains(said, "the variables of the job") || !strings.Contains(said, "cannot unmarshal number") {
		t.Error(said)
	}
}

// All fields are as the generated message has them.
func TestJobsFields(t *testing.T) {
	b := newBench(t)
	jobs := make(chan *zeebe.Job, 1)
	b.worker(func(_ context.Context, job *zeebe.Job) error {
		jobs <- job
		return nil
	}, zeebe.JobWorkerOptions{WorkerName: "w", FetchVariables: []string{"a", "c"}, TenantIDs: []string{"acme"}, JobTimeout: 10 * time.Minute})
	_, err := b.client.DeployResource(patience(t), &gatewaypb.DeployResourceRequest{TenantId: "acme", Resources: []*gatewaypb.Resource{{Name: "work.bpmn", Content: []byte(workbench)}}})
	ok(t, err)
	_, err = b.client.CreateProcessInstance(patience(t), &gatewaypb.CreateProcessInstanceRequest{BpmnProcessId: "work", Version: -1, TenantId: "acme", Variables: `{"a":1,"b":2}`})
	ok(t, err)
	job := get(t, jobs)
	var as gatewaypb.ActivatedJob
	ok(t, proto.Unmarshal(job.Message(), &as))
	got := []any{job.Key, job.Type, job.ProcessInstanceKey, job.BPMNProcessID, int32(job.ProcessDefinitionVersion), job.ProcessDefinitionKey, job.ElementID,
		job.ElementInstanceKey, job.RawCustomHeaders, job.WorkerName, int32(job.Retries), job.RawVariables, job.TenantID, job.Kind, job.ListenerEventType}
	want := []any{as.GetKey(), as.GetType(), as.GetProcessInstanceKey(), as.GetBpmnProcessId(), as.GetProcessDefinitionVersion(), as.GetProcessDefinitionKey(), as.GetElementId(),
		as.GetElementInstanceKey(), as.GetCustomHeaders(), as.GetWorker(), as.GetRetries(), as.GetVariables(), as.GetTenantId(), int32(as.GetKind()), int32(as.GetListenerEventType())}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("field %d is %v, not %v", i, got[i], want[i])
		}
	}
	headers, err := job.CustomHeaders()
	ok(t, err)
	if job.Key == 0 || job.Type != "work" || job.Retries != 3 || headers["h"] != "v" || job.RawVariables != `{"a":1}` || job.TenantID != "acme" || job.WorkerName != "w" {
		t.Errorf("%+v", &as)
	}
	if off := job.Deadline().Sub(time.UnixMilli(as.GetDeadline())).Abs(); off > time.Second {
		t.Errorf("the deadline is off by %v", off)
	}
}

// A job that is dropped without its end.
func TestDroppedJobs(t *testing.T) {
	b := newBench(t)
	dropped := make(chan int, 8)
	var drops atomic.Bool
	handler := func(_ context.Context, job *zeebe.Job) error {
		if drops.Swap(false) {
			job.EndLater()
		}
		dropped <- job.Retries
		return nil
	}
	for _, leaves := range []bool{false, true} {
		timeout := time.Hour
		if leaves {
			timeout = time.Second // after which it comes again
		}
		w := b.worker(handler, zeebe.JobWorkerOptions{LeaveFreedJobs: leaves, JobTimeout: timeout, PollInterval: 50 * time.Millisecond})
		drops.Store(true)
		b.instances(1, "")
		get(t, dropped)
		await(t, func() bool {
			runtime.GC()
			stats := statsOf(t, w).Jobs
			return stats.Failed+stats.Left == 1
		})
		if stats := statsOf(t, w).Jobs; stats.Left == 1 != leaves {
			t.Fatalf("%v: %+v", leaves, stats)
		}
		if retries := get(t, dropped); retries == 3 != leaves {
			t.Fatal(retries)
		}
		await(t, func() bool { return len(b.jobs()) == 0 })
		ok(t, w.Close(patience(t)))
	}
}

// Nor does it keep a job that somebody waits for its context, who hears of it.
func TestDroppedJobsWithAContextThatIsWatched(t *testing.T) {
	b := newBench(t)
	contexts, again := make(chan context.Context, 1), make(chan int, 1)
	var drops atomic.Bool
	handler := func(ctx context.Context, job *zeebe.Job) error {
		if !drops.Swap(false) {
			again <- job.Retries
			return nil
		}
		job.EndLater()
		select {
		case <-ctx.Done():
			t.Error(ctx.Err())
		default:
		}
		contexts <- ctx
		return nil
	}
	for _, extends := range []bool{false, true} {
		w := b.worker(handler, zeebe.JobWorkerOptions{JobTimeout: time.Hour, ExtendTimeout: extends, PollInterval: 50 * time.Millisecond})
		drops.Store(true)
		b.instances(1, "")
		ctx := get(t, contexts)
		called := make(chan error, 1)
		context.AfterFunc(ctx, func() { called <- ctx.Err() })
		await(t, func() bool {
			runtime.GC()
			return statsOf(t, w).Jobs.Failed == 1
		})
		get(t, ctx.Done())
		if err := get(t, called); err != context.Canceled {
			t.Error(err)
		}
		if retries := get(t, again); retries != 2 {
			t.Error(retries)
		}
		ok(t, w.Close(patience(t)))
	}
}
