package zeebe_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"libzeebe.org/go/zeebe"
)

func TestAHandlersContext(t *testing.T) {
	b := newBench(t)
	contexts := make(chan context.Context, 64)
	ends := make(chan error, 64)
	told := make(chan error, 16)
	wait := func(ctx context.Context, job *zeebe.Job) error {
		contexts <- ctx
		<-ctx.Done()
		ends <- ctx.Err()
		return nil
	}
	note := func(_ *zeebe.Job, err error) { told <- err }
	const timeout = 300 * time.Millisecond
	start := time.Now()
	w := b.worker(wait, zeebe.JobWorkerOptions{JobTimeout: timeout, OnJobError: note, Grace: zeebe.NoGrace})
	b.instances(1, "")
	ctx := get(t, contexts)
	if deadline, has := ctx.Deadline(); !has || time.Until(deadline) > timeout || deadline.Before(start) {
		t.Fatal(deadline)
	}
	// Contexts of it end as it does, and with its error.
	child, cancel := context.WithCancel(ctx)
	defer cancel()
	called := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() { called <- ctx.Err() })
	defer stop()
	never := context.AfterFunc(ctx, func() { t.Error("it was stopped") })
	if !never() {
		t.Error("not stopped")
	}
	if err := get(t, ends); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) < timeout-50*time.Millisecond {
		t.Fatal(err, time.Since(start))
	}
	get(t, child.Done())
	if err := get(t, called); err != context.DeadlineExceeded || child.Err() != err || context.Cause(child) != err {
		t.Fatal(err, child.Err())
	}
	select {
	case <-context.WithoutCancel(ctx).Done():
		t.Error("done")
	default:
	}
	_ = w.Close(patience(t))
	for len(contexts)+len(ends) > 0 { // the job came again
		<-ends
		<-contexts
	}

	// At the close, the grace over.
	await(t, func() bool { return len(b.jobs()) == 0 || statsOf(t, w).JobsHere == 0 })
	w = b.worker(wait, zeebe.JobWorkerOptions{JobTimeout: time.Hour, OnJobError: note, Grace: 100 * time.Millisecond})
	b.instances(1, "")
	get(t, contexts)
	start = time.Now()
	failure(t, w.Close(patience(t)), codes.DeadlineExceeded)
	if err := get(t, ends); err != context.Canceled || time.Since(start) < 100*time.Millisecond {
		t.Fatal(err)
	}
	failure(t, w.Err(), codes.DeadlineExceeded)
	get(t, w.Done())

	// And when its handler has returned.
	w = b.worker(func(ctx context.Context, _ *zeebe.Job) error { contexts <- ctx; return nil }, zeebe.JobWorkerOptions{OnJobError: note})
	b.instances(1, "")
	ctx = get(t, contexts)
	get(t, ctx.Done())
	if ctx.Err() != context.Canceled {
		t.Fatal(ctx.Err())
	}
	ok(t, w.Close(patience(t)))
}

func TestAJobsDeadlineMoves(t *testing.T) {
	b := newBench(t)
	const timeout = 6 * time.Second // the library has half of it to have it begin anew
	type lapse struct {
		first, last time.Time
		err         error
	}
	lapses := make(chan lapse, 4)
	goes := make(chan struct{})
	told := make(chan error, 16)
	w := b.worker(func(ctx context.Context, job *zeebe.Job) error {
		first, _ := ctx.Deadline()
		select {
		case <-goes:
		case <-ctx.Done():
		}
		last, _ := ctx.Deadline()
		lapses <- lapse{first, last, ctx.Err()}
		return nil
	}, zeebe.JobWorkerOptions{JobTimeout: timeout, ExtendTimeout: true, OnJobError: func(_ *zeebe.Job, err error) { told <- err }})
	b.instances(1, "")
	await(t, func() bool { return statsOf(t, w).Jobs.Extended >= 2 })
	goes <- struct{}{}
	if got := get(t, lapses); got.err != nil || got.last.Sub(got.first) < timeout/2 {
		t.Fatal(got)
	}
	// One that is not ours any more: before its deadline.
	b.gateway.Tell("POST", "/fail?status=5&count=1&rpc=UpdateJobTimeout")
	b.instances(1, "")
	if got := get(t, lapses); !errors.Is(got.err, context.DeadlineExceeded) || !got.last.Before(got.first) {
		t.Fatal(got)
	}
}

// The library has the deadline that the context had when the call began.
func TestALostJobEndsItsCalls(t *testing.T) {
	b := newBench(t)
	const timeout = 5 * time.Second
	silent := serve(t, func(grpc.ServerStream) error { <-t.Context().Done(); return nil })
	type end struct {
		early time.Duration
		err   error
	}
	ends := make(chan end, 3)
	b.gateway.Tell("POST", "/fail?status=5&count=1&rpc=UpdateJobTimeout")
	var isLost atomic.Bool
	b.worker(func(ctx context.Context, _ *zeebe.Job) error {
		if isLost.Swap(true) {
			return nil // it came again
		}
		deadline, _ := ctx.Deadline()
		child, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		var all sync.WaitGroup
		for _, call := range []func() error{
			func() error { return silent.Invoke(ctx, method, nil, nil) },
			func() error { return silent.Invoke(child, method, nil, nil) },
			func() error {
				s, err := silent.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, method)
				ok(t, err)
				return s.RecvMsg(nil)
			},
		} {
			all.Go(func() {
				err := call()
				ends <- end{time.Until(deadline), err}
			})
		}
		all.Wait()
		return nil
	}, zeebe.JobWorkerOptions{JobTimeout: timeout, ExtendTimeout: true, OnJobError: func(*zeebe.Job, error) {}})
	b.instances(1, "")
	for range cap(ends) {
		got := get(t, ends)
		if failure(t, got.err, codes.DeadlineExceeded); got.early <= 0 || !errors.Is(got.err, context.DeadlineExceeded) {
			t.Error(got)
		}
	}
}
