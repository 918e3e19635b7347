package zeebe_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"libzeebe.org/go/zeebe"
)

func TestJobsFail(t *testing.T) {
	b := newBench(t)
	type attempt struct {
		retries int
		at      time.Time
	}
	attempts := make(chan attempt, 16)
	how := make(chan func(context.Context, *zeebe.Job) error, 1)
	told := make(chan error, 16)
	w := b.worker(func(ctx context.Context, job *zeebe.Job) error {
		attempts <- attempt{job.Retries, time.Now()}
		return (<-how)(ctx, job)
	}, zeebe.JobWorkerOptions{OnJobError: func(_ *zeebe.Job, err error) { told <- err }, PollInterval: 20 * time.Millisecond})
	words := errors.New("no \x00 \xff way")
	for name, fail := range map[string]func(context.Context, *zeebe.Job) error{
		"error": func(context.Context, *zeebe.Job) error { return words },
		"Fail":  func(ctx context.Context, job *zeebe.Job) error { return job.Fail(ctx, words) },
		"panic": func(context.Context, *zeebe.Job) error { panic(words) },
		"panic of what else is thrown": func(context.Context, *zeebe.Job) error {
			panic(&zeebe.BPMNError{Code: "boom", Message: words.Error()})
		},
		"failure": func(context.Context, *zeebe.Job) error {
			return fmt.Errorf("wrapped: %w", &zeebe.JobFailure{Err: words})
		},
		"completed with nothing": func(_ context.Context, job *zeebe.Job) error {
			_ = job.SetVariables(map[string]int{"a": 1}) // not of a job that fails
			return words
		},
	} {
		b.instances(1, "")
		for left := 3; left > 0; left-- {
			if got := get(t, attempts); got.retries != left {
				t.Fatalf("%s: %d retries, not %d", name, got.retries, left)
			}
			how <- fail
		}
		if said := b.incident(); !strings.Contains(said, "no \uFFFD \uFFFD way") {
			t.Errorf("%s: %s", name, said)
		}
		for range 3 {
			if name == "Fail" {
				break // it was told itself
			}
			err, panicked := get(t, told), (*zeebe.PanicError)(nil)
			if errors.As(err, &panicked) {
				err = panicked.Value.(error)
				if !strings.Contains(string(panicked.Stack), "jobend_test.go") {
					t.Errorf("%s: %s", name, panicked.Stack)
				}
			}
			if !strings.Contains(err.Error(), words.Error()) || strings.Contains(name, "panic") != (panicked != nil) {
				t.Errorf("%s: %v", name, err)
			}
		}
		resolveAll(b)
		get(t, attempts)
		how <- func(context.Context, *zeebe.Job) error { return nil }
		await(t, func() bool { return len(b.jobs()) == 0 })
	}
	// A handler that ends its goroutine.
	b.instances(1, "")
	get(t, attempts)
	how <- func(context.Context, *zeebe.Job) error { runtime.Goexit(); return nil }
	if got := get(t, attempts); got.retries != 2 {
		t.Fatal(got)
	}
	get(t, told)
	// Its own retries and back-off.
	before := time.Now()
	how <- func(context.Context, *zeebe.Job) error {
		return &zeebe.JobFailure{Err: words, Retries: new(7), RetryBackoff: new(300 * time.Millisecond), Variables: map[string]int{"tried": 1}}
	}
	got := get(t, attempts)
	if got.retries != 7 || got.at.Sub(before) < 300*time.Millisecond {
		t.Fatal(got.retries, got.at.Sub(before))
	}
	get(t, told)
	// What cannot be sent fails the job with the reason; both are told.
	for i, bad := range []*zeebe.JobFailure{{Retries: new(-1)}, {Retries: new(math.MaxInt32 + 1)}, {RetryBackoff: new(-time.Second)}, {Variables: 1}} {
		how <- func(context.Context, *zeebe.Job) error { return bad }
		if got := get(t, attempts); got.retries != 6-i {
			t.Fatal(got.retries)
		}
		refused := failure(t, get(t, told), codes.InvalidArgument)
		if err := get(t, told); err != error(bad) {
			t.Errorf("%v after %v", err, refused)
		}
	}
	how <- func(context.Context, *zeebe.Job) error { return &zeebe.JobFailure{Retries: new(0)} }
	if said := b.incident(); !strings.Contains(said, "the job failed") {
		t.Error(said)
	}
	await(t, func() bool { return statsOf(t, w).JobsHere == 0 })
}

func TestJobsThrowErrors(t *testing.T) {
	b := newBench(t)
	var how atomic.Pointer[func(context.Context, *zeebe.Job) error]
	told := make(chan error, 16)
	w := b.worker(func(ctx context.Context, job *zeebe.Job) error { return (*how.Load())(ctx, job) },
		zeebe.JobWorkerOptions{OnJobError: func(_ *zeebe.Job, err error) { told <- err }})
	thrown := &zeebe.BPMNError{Code: "boom", Message: "why \x00", Variables: map[string]int{"thrown": 1}}
	for _, throw := range []func(context.Context, *zeebe.Job) error{
		func(context.Context, *zeebe.Job) error { return thrown },
		func(context.Context, *zeebe.Job) error { return fmt.Errorf("wrapped: %w", thrown) },
		func(ctx context.Context, job *zeebe.Job) error { return job.ThrowError(ctx, thrown) },
		func(context.Context, *zeebe.Job) error { return &zeebe.JobFailure{Err: thrown} },
	} {
		how.Store(&throw)
		if result := b.result(""); result["thrown"] != 1.0 {
			t.Error(result)
		}
	}
	await(t, func() bool { return statsOf(t, w).Jobs.Thrown == 4 })
	if len(told) > 0 {
		t.Fatal(<-told)
	}
	for _, bad := range []*zeebe.BPMNError{{Code: "a\x00"}, {Code: "\xff"}, {Code: "boom", Variables: 1}} {
		var once atomic.Bool
		throw := func(context.Context, *zeebe.Job) error {
			if once.Swap(true) {
				return nil
			}
			return bad
		}
		how.Store(&throw)
		b.result("") // failed, and came again
		failure(t, get(t, told), codes.InvalidArgument)
	}
	throw := func(ctx context.Context, job *zeebe.Job) error {
		failure(t, job.ThrowError(ctx, nil), codes.InvalidArgument)
		failure(t, job.Complete(ctx, 1), codes.InvalidArgument)
		failure(t, job.Fail(ctx, &zeebe.JobFailure{Retries: new(-1)}), codes.InvalidArgument)
		return job.Complete(ctx, nil) // still to be had
	}
	how.Store(&throw)
	b.result("")
}

func TestAJobEndsOnce(t *testing.T) {
	b := newBench(t)
	later := make(chan *zeebe.Job, 1)
	told := make(chan error, 16)
	w := b.worker(func(ctx context.Context, job *zeebe.Job) error {
		if job.RawVariables == `{"later":true}` {
			job.EndLater()
			job.EndLater()
			later <- job
			return nil
		}
		ok(t, job.Complete(ctx, map[string]int{"done": 1}))
		for _, again := range []error{job.Complete(ctx, nil), job.Fail(ctx, nil), job.ThrowError(ctx, &zeebe.BPMNError{Code: "boom"})} {
			if refused := failure(t, again, codes.FailedPrecondition); refused.Kind != zeebe.KindIllegalState || !strings.Contains(refused.Message, "ended before") {
				t.Error(refused)
			}
		}
		if ctx.Err() != nil {
			t.Error("the context has ended before the handler")
		}
		return errors.New("nothing comes of this, but it is told")
	}, zeebe.JobWorkerOptions{OnJobError: func(_ *zeebe.Job, err error) { told <- err }})
	if result := b.result(""); result["done"] != 1.0 {
		t.Fatal(result)
	}
	if err := get(t, told); err.Error() != "nothing comes of this, but it is told" {
		t.Fatal(err)
	}

	// Many at once, on other goroutines: one ends it.
	b.instances(1, `{"later":true}`)
	job := get(t, later)
	var ends atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if job.Complete(patience(t), nil) == nil {
				ends.Add(1)
			}
		})
	}
	all.Wait()
	if stats := statsOf(t, w); ends.Load() != 1 || stats.Jobs.Completed != 2 || len(told) > 0 {
		t.Fatalf("%d ends, %+v", ends.Load(), stats)
	}

	// A context is of the waiting alone.
	b.gateway.Tell("POST", "/latency?ms=200")
	b.instances(1, `{"later":true}`)
	job = get(t, later)
	done, cancel := context.WithCancel(t.Context())
	cancel()
	err := job.Complete(done, nil)
	var ended *zeebe.JobEndError
	if !errors.As(err, &ended) || ended.Outcome != zeebe.JobEndUnknown || ended.Key != job.Key || !errors.Is(err, context.Canceled) || !failure(t, err, codes.Canceled).MayHaveBeenProcessed {
		t.Fatal(err)
	}
	b.gateway.Tell("POST", "/latency?ms=0")
	await(t, func() bool { return statsOf(t, w).Jobs.Completed == 3 })
	// By hand, as in a test of a handler.
	made := &zeebe.Job{Key: 7, RawVariables: `{"a":1}`}
	var variables struct{ A int }
	ok(t, made.Variables(&variables))
	made.EndLater()
	if failure(t, made.Complete(t.Context(), nil), codes.Unavailable); variables.A != 1 {
		t.Fatal(variables)
	}
}

func TestWhatAnEndComesToIsTold(t *testing.T) {
	b := newBench(t)
	told := make(chan error, 16)
	answers := make(chan error, 16)
	var how atomic.Pointer[func(context.Context, *zeebe.Job) error]
	w := b.worker(func(ctx context.Context, job *zeebe.Job) error { return (*how.Load())(ctx, job) },
		zeebe.JobWorkerOptions{OnJobError: func(_ *zeebe.Job, err error) { told <- err }, JobTimeout: time.Minute})
	itself := func(ctx context.Context, job *zeebe.Job) error { answers <- job.Complete(ctx, nil); return nil }
	byReturn := func(context.Context, *zeebe.Job) error { return nil }
	for _, row := range []struct {
		fault   string
		outcome zeebe.JobOutcome
		code    codes.Code
	}{
		{"/fail?status=5&count=1&rpc=CompleteJob", zeebe.JobNotEnded, codes.NotFound},
		{"/fail?status=9&count=1&rpc=CompleteJob", zeebe.JobNotEnded, codes.FailedPrecondition},
		{"/fail?status=13&count=1&rpc=CompleteJob", zeebe.JobEndUnknown, codes.Internal},
	} {
		how.Store(&itself)
		b.gateway.Tell("POST", row.fault)
		b.instances(1, "")
		ended, err := (*zeebe.JobEndError)(nil), get(t, answers)
		if !errors.As(err, &ended) || ended.Outcome != row.outcome || ended.Key == 0 || failure(t, err, row.code).MayHaveBeenProcessed != (row.outcome == zeebe.JobEndUnknown) {
			t.Errorf("%s: %v", row.fault, err)
		}
		how.Store(&byReturn)
		b.gateway.Tell("POST", row.fault)
		b.instances(1, "")
		if err := get(t, told); !errors.As(err, &ended) || ended.Outcome != row.outcome || ended.Key == 0 {
			t.Errorf("%s: %v", row.fault, err)
		}
	}
	// What passes is sent again, and nobody needs to know.
	how.Store(&itself)
	b.gateway.Tell("POST", "/fail?status=14&count=2&rpc=CompleteJob")
	b.instances(1, "")
	ok(t, get(t, answers))
	if stats := statsOf(t, w); stats.Jobs.SentAgain != 2 || len(told) > 0 {
		t.Fatalf("%+v", stats)
	}
}

// What nobody else is told, the default logger is.
func TestJobErrorsAreLogged(t *testing.T) {
	b := newBench(t)
	var text lockedBuffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&text, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	var once atomic.Bool
	w, err := b.channel.NewJobWorker("work", func(context.Context, *zeebe.Job) error {
		if !once.Swap(true) {
			panic("oh")
		}
		return errors.New("no way")
	}, zeebe.JobWorkerOptions{})
	ok(t, err)
	b.instances(1, "")
	b.incident()
	ok(t, w.Close(patience(t)))
	for _, part := range []string{"the handler panicked: oh", "jobend_test.go", "no way", "type=work", "key=", "level=WARN"} {
		if !text.has(part) {
			t.Errorf("%q is not in %s", part, text.String())
		}
	}
}

// Of each job it is told once that it was not ended.
func TestTheRuntimeEndsWhileJobsDo(t *testing.T) {
	const count = 30
	for range 8 {
		b := newBench(t)
		here, goes := make(chan struct{}, count), make(chan struct{})
		var mutex sync.Mutex
		told := map[int64]int{}
		w := must(b.channel.NewJobWorker("work", func(context.Context, *zeebe.Job) error {
			here <- struct{}{}
			<-goes
			return nil
		}, zeebe.JobWorkerOptions{HandlersAtOnce: count, OnJobError: func(job *zeebe.Job, _ error) {
			mutex.Lock()
			defer mutex.Unlock()
			told[job.Key]++
		}}))
		b.instances(count, "")
		for range count {
			get(t, here)
		}
		go close(goes)
		ok(t, zeebe.ShutdownRuntime(zeebe.Forever))
		get(t, w.Done())
		for key, times := range told {
			if times != 1 {
				t.Fatalf("of %d it was told %d times", key, times)
			}
		}
	}
}
