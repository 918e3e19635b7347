package zeebe_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"libzeebe.org/go/zeebe"
	"libzeebe.org/go/zeebe/gatewaypb"
	"libzeebe.org/go/zeebe/internal/testserver"
)

func TestJobWorkerCompletesInParallel(t *testing.T) {
	const count, atOnce = 300, 8
	b := newBench(t)
	b.instances(count/2, `{"n":1}`)
	var now, most atomic.Int64
	done := make(chan int64, count)
	w := b.worker(func(ctx context.Context, job *zeebe.Job) error {
		most.Store(max(most.Load(), now.Add(1)))
		time.Sleep(time.Millisecond)
		now.Add(-1)
		done <- job.Key
		return nil
	}, zeebe.JobWorkerOptions{HandlersAtOnce: atOnce, WorkerName: "w"})
	b.instances(count/2, `{"n":2}`)
	keys := map[int64]bool{}
	for range count {
		keys[get(t, done)] = true
	}
	ok(t, w.Close(patience(t)))
	if len(keys) != count || most.Load() > atOnce || most.Load() < 2 || len(b.jobs()) > 0 {
		t.Fatalf("%d jobs of %d, %d at once, left: %v", len(keys), count, most.Load(), b.jobs())
	}
	if stats := statsOf(t, w); stats.Jobs.Completed != count || stats.Jobs.Activated != count || stats.JobsHere != 0 {
		t.Fatalf("%+v", stats) // also after its end
	}
	text, err := zeebe.PrometheusText(w, w)
	ok(t, err)
	if !strings.Contains(text, fmt.Sprintf(`zeebe_job_worker_jobs_completed_total{type="work",worker="w"} %d`, count)) {
		t.Fatal(text)
	}
	if text, err = zeebe.PrometheusText(); err != nil {
		t.Fatalf("%q %v", text, err)
	}
	ok(t, w.Close(patience(t))) // again
	ok(t, w.Err())
	get(t, w.Done())
}

func TestAWorkersClose(t *testing.T) {
	b := newBench(t)
	const atOnce, count = 2, 10
	working := make(chan *zeebe.Job, count)
	goes := make(chan struct{})
	w := b.worker(func(ctx context.Context, job *zeebe.Job) error {
		working <- job
		<-goes
		return ctx.Err()
	}, zeebe.JobWorkerOptions{HandlersAtOnce: atOnce})
	b.instances(count, "")
	for range atOnce {
		get(t, working)
	}
	await(t, func() bool { return statsOf(t, w).JobsHere == count })
	closed := make(chan error)
	go func() { closed <- w.Close(patience(t)) }()
	await(t, func() bool { return statsOf(t, w).Jobs.GivenBack == count-atOnce })
	select {
	case <-w.Done():
		t.Fatal("done while handlers run")
	default:
	}
	for range atOnce {
		goes <- struct{}{}
	}
	ok(t, get(t, closed))
	left := b.jobs()
	if stats := statsOf(t, w); stats.Jobs.Completed != atOnce || len(left) != count-atOnce {
		t.Fatalf("%+v, left %v", stats, left)
	}
	for _, job := range left {
		if retries := job.(map[string]any)["retries"]; retries != 3.0 {
			t.Fatalf("%v", job)
		}
	}

	// At once, by its context: also a handler that does not look at its own.
	told := make(chan error, count)
	w = b.worker(func(_ context.Context, job *zeebe.Job) error {
		working <- job
		<-goes
		return nil
	}, zeebe.JobWorkerOptions{HandlersAtOnce: 1, JobTimeout: time.Hour, OnJobError: func(_ *zeebe.Job, err error) { told <- err }})
	get(t, working)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := w.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	failure(t, w.Err(), codes.Canceled)
	_, err := w.Stats()
	failure(t, err, codes.Unavailable)
	if text, err := zeebe.PrometheusText(w); err != nil || strings.Contains(text, `type="work"`) {
		t.Fatal(text, err)
	}
	goes <- struct{}{}
	get(t, w.Done())
	if refused := failure(t, get(t, told), codes.Unavailable); refused.Kind != zeebe.KindShutdown {
		t.Fatal(refused)
	}
}

func TestWhatEndsAWorker(t *testing.T) {
	b := newBench(t)
	b.gateway.Tell("POST", "/fail?status=7&count=1&rpc=StreamActivatedJobs")
	w := b.worker(func(context.Context, *zeebe.Job) error { return nil }, zeebe.JobWorkerOptions{})
	get(t, w.Done())
	failure(t, w.Err(), codes.PermissionDenied)
	failure(t, w.Close(patience(t)), codes.PermissionDenied)

	// What passes is told.
	b.gateway.Tell("POST", "/fail?status=13&count=2&rpc=StreamActivatedJobs")
	failures := make(chan int, 8)
	w = b.worker(func(context.Context, *zeebe.Job) error { return nil }, zeebe.JobWorkerOptions{PollInterval: time.Hour, OnError: func(err error, inARow int, pause time.Duration) {
		if failure(t, err, codes.Internal); pause <= 0 {
			t.Error(pause)
		}
		failures <- inARow
	}})
	if get(t, failures) != 1 || get(t, failures) != 2 {
		t.Error("not in a row")
	}
	ok(t, w.Close(patience(t)))

	// The end of its channel, with a job in a handler.
	channel := insecure(t, b.gateway.Address("plaintext"))
	told, working := make(chan error, 4), make(chan struct{}, 1)
	w, err := channel.NewJobWorker("work", func(ctx context.Context, _ *zeebe.Job) error {
		working <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}, zeebe.JobWorkerOptions{OnJobError: func(_ *zeebe.Job, err error) { told <- err }})
	ok(t, err)
	b.instances(1, "")
	get(t, working)
	ok(t, channel.Close())
	get(t, w.Done())
	failure(t, w.Err(), codes.Canceled)
	failure(t, get(t, told), codes.Unavailable)
	_, err = channel.NewJobWorker("work", func(context.Context, *zeebe.Job) error { return nil }, zeebe.JobWorkerOptions{})
	failure(t, err, codes.Unavailable)
}

func TestWrongWorkersAreRefused(t *testing.T) {
	channel := insecure(t, "127.0.0.1:1")
	handler := func(context.Context, *zeebe.Job) error { return nil }
	_, err := channel.NewJobWorker("work", nil, zeebe.JobWorkerOptions{})
	failure(t, err, codes.InvalidArgument)
	for _, bad := range []string{"", "\xff", "a\x00"} {
		_, err = channel.NewJobWorker(bad, handler, zeebe.JobWorkerOptions{})
		if refused := failure(t, err, codes.InvalidArgument); refused.Option != "" || !strings.Contains(refused.Message, "the job type") {
			t.Errorf("%q: %+v", bad, refused)
		}
	}
	for option, given := range map[string]zeebe.JobWorkerOptions{
		"WorkerName": {WorkerName: "\xff"}, "JobTimeout": {JobTimeout: -1}, "MaxJobsActive": {MaxJobsActive: 100_001}, "HandlersAtOnce": {HandlersAtOnce: -1},
		"FetchVariables": {FetchVariables: []string{"a", "\x00"}}, "TenantIDs": {TenantIDs: []string{"\xff"}}, "Watchdog": {Watchdog: -1}, "StreamTimeout": {StreamTimeout: zeebe.Forever},
		"PollInterval": {PollInterval: -1}, "RequestTimeout": {RequestTimeout: -1}, "BackoffMin": {BackoffMin: 25 * time.Hour}, "BackoffMax": {BackoffMax: -1},
		"BackoffFactorPercent": {BackoffFactorPercent: 99}, "BackoffJitterPercent": {BackoffJitterPercent: -2}, "RetryBackoff": {RetryBackoff: -1}, "Grace": {Grace: -2},
	} {
		_, err = channel.NewJobWorker("work", handler, given)
		refused(t, err, "JobWorkerOptions."+option)
	}
	_, err = channel.NewJobWorker("work", handler, zeebe.JobWorkerOptions{Metadata: metadata.MD{"bad key": {"a"}}})
	failure(t, err, codes.InvalidArgument)
	w, err := channel.NewJobWorker("work", handler, zeebe.JobWorkerOptions{BackoffJitterPercent: zeebe.NoJitter, Grace: zeebe.NoGrace, BackoffMin: time.Nanosecond})
	ok(t, err)
	ok(t, w.Close(patience(t)))
}

// What a worker sends, it sends as it is told to.
func TestAWorkersRequests(t *testing.T) {
	b := newBench(t)
	w := b.worker(func(context.Context, *zeebe.Job) error { return nil }, zeebe.JobWorkerOptions{PollsAlone: true, Metadata: metadata.MD{"x-test": {"yes"}}, PollInterval: 10 * time.Millisecond})
	b.result("")
	ok(t, w.Close(patience(t)))
	seen := map[string]bool{}
	for _, one := range b.gateway.Calls() {
		headers := fmt.Sprint(one["headers"])
		seen[one["rpc"].(string)] = strings.Contains(headers, "x-test")
	}
	if !seen["ActivateJobs"] || !seen["CompleteJob"] {
		t.Fatalf("%v", seen)
	}
	if _, has := seen["StreamActivatedJobs"]; has {
		t.Fatal("a stream of a worker that polls")
	}
}

// A worker goes on when the program drops it, and its channel.
func TestADroppedWorkerGoesOn(t *testing.T) {
	b := newBench(t)
	done := make(chan struct{}, 8)
	func() {
		channel := must(zeebe.NewInsecureChannel(zeebe.WithAddress(b.gateway.Address("plaintext"))))
		_, err := channel.NewJobWorker("work", func(context.Context, *zeebe.Job) error { done <- struct{}{}; return nil }, zeebe.JobWorkerOptions{})
		ok(t, err)
	}()
	for range 3 {
		runtime.GC()
		b.instances(1, "")
		get(t, done)
	}
}

// Waiting jobs need no goroutine, and what has ended leaves nothing behind.
func TestJobWorkersLeaveNothingBehind(t *testing.T) {
	const waiting = 2000
	b := newBench(t)
	var hold sync.WaitGroup
	hold.Add(1)
	var handled atomic.Int64
	b.instances(waiting, "")
	before := runtime.NumGoroutine()
	w := b.worker(func(ctx context.Context, job *zeebe.Job) error {
		handled.Add(1)
		_ = ctx.Done()
		hold.Wait()
		return nil
	}, zeebe.JobWorkerOptions{MaxJobsActive: 2 * waiting, HandlersAtOnce: 10})
	await(t, func() bool { return statsOf(t, w).JobsHere == waiting })
	if now := runtime.NumGoroutine(); now > before+15 {
		t.Errorf("%d goroutines became %d", before, now)
	}
	hold.Done()
	await(t, func() bool { return handled.Load() == waiting && statsOf(t, w).JobsHere == 0 })
	ok(t, w.Close(patience(t)))
	// Of many goroutines that were needed at once a few stay for the next jobs, until the worker has ended.
	const atOnce, stay = 200, 32
	before = runtime.NumGoroutine()
	var working sync.WaitGroup
	working.Add(atOnce)
	w = b.worker(func(context.Context, *zeebe.Job) error {
		working.Done()
		working.Wait()
		return nil
	}, zeebe.JobWorkerOptions{MaxJobsActive: atOnce})
	b.instances(atOnce, "")
	await(t, func() bool { return statsOf(t, w).Jobs.Completed == atOnce && runtime.NumGoroutine() <= before+stay+5 })
	ok(t, w.Close(patience(t)))
	await(t, func() bool { return runtime.NumGoroutine() <= before+5 })
	some := func() {
		for range 50 {
			w := b.worker(func(ctx context.Context, job *zeebe.Job) error {
				child, cancel := context.WithTimeout(ctx, time.Hour)
				defer cancel()
				return child.Err()
			}, zeebe.JobWorkerOptions{PollInterval: 5 * time.Millisecond})
			b.result("")
			ok(t, w.Close(patience(t)))
		}
	}
	some()
	runtime.GC()
	goroutines, memory := runtime.NumGoroutine(), residentKiB()
	for range 4 {
		some()
	}
	runtime.GC()
	await(t, func() bool { return runtime.NumGoroutine() <= goroutines+2 })
	nowMemory := residentKiB()
	t.Logf("goroutines %d; resident %d KiB, then %d KiB", goroutines, memory, nowMemory)
	if !raceDetector && nowMemory > memory+8<<10 {
		t.Fatal("something is left")
	}
}

// The end of the runtime ends a worker with its handlers, which hear of it; a new one works.
func TestTheRuntimesEndEndsAWorker(t *testing.T) {
	b := newBench(t)
	told, working := make(chan error, 8), make(chan *zeebe.Job, 8)
	w, err := b.channel.NewJobWorker("work", func(ctx context.Context, job *zeebe.Job) error {
		if job.RawVariables == "{}" || job.RawVariables == "" {
			job.EndLater()
			working <- job
			return nil
		}
		working <- job
		<-ctx.Done()
		return ctx.Err()
	}, zeebe.JobWorkerOptions{OnJobError: func(_ *zeebe.Job, err error) { told <- err }})
	ok(t, err)
	b.instances(1, "")
	later := get(t, working)
	b.instances(1, `{"a":1}`)
	get(t, working)
	ok(t, zeebe.ShutdownRuntime(zeebe.Forever))
	get(t, w.Done())
	if w.Err() == nil {
		t.Error("no reason")
	}
	get(t, told)
	failure(t, later.Complete(t.Context(), nil), codes.Unavailable)
	if err := w.Close(patience(t)); err == nil {
		t.Error("closed in order")
	}
	channel := insecure(t, b.gateway.Address("plaintext"))
	done := make(chan struct{}, 8)
	w, err = channel.NewJobWorker("work", func(context.Context, *zeebe.Job) error { done <- struct{}{}; return nil }, zeebe.JobWorkerOptions{})
	ok(t, err)
	startWork(t, channel, 1)
	get(t, done)
	ok(t, w.Close(patience(t)))
}

func TestAWorkerForwardsTraceContext(t *testing.T) {
	b := newBench(t)
	traced := strings.Replace(workbench, `key="h" value="v"`, `key="traceparent" value="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"`, 1)
	_, err := b.client.DeployResource(patience(t), &gatewaypb.DeployResourceRequest{Resources: []*gatewaypb.Resource{{Name: "work.bpmn", Content: []byte(traced)}}})
	ok(t, err)
	w := b.worker(func(context.Context, *zeebe.Job) error { return nil }, zeebe.JobWorkerOptions{ForwardTraceContext: true})
	b.result("")
	ok(t, w.Close(patience(t)))
	for _, call := range b.gateway.Calls() {
		if call["rpc"] == "CompleteJob" && !strings.Contains(fmt.Sprint(call["headers"]), "0af7651916cd43dd8448eb211c80319c") {
			t.Fatal(call)
		}
	}
}

// In the middle of many jobs, wherever each of them is just then.
func TestTheRuntimesEndAmidJobs(t *testing.T) {
	gateway := testserver.StartGateway(t)
	for range 15 {
		channel := must(zeebe.NewInsecureChannel(zeebe.WithAddress(gateway.Address("plaintext"))))
		startWork(t, channel, 60)
		var handled atomic.Int64
		w, err := channel.NewJobWorker("work", func(context.Context, *zeebe.Job) error {
			handled.Add(1)
			return nil
		}, zeebe.JobWorkerOptions{OnJobError: func(*zeebe.Job, error) {}, JobTimeout: time.Second})
		ok(t, err)
		await(t, func() bool { return handled.Load() > 5 })
		ok(t, zeebe.ShutdownRuntime(zeebe.Forever))
		get(t, w.Done())
	}
}
