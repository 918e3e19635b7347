package zeebe_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"libzeebe.org/go/zeebe"
	"libzeebe.org/go/zeebe/gatewaypb"
	"libzeebe.org/go/zeebe/internal/testserver"
)

// threads of this process.
func threads() int { return len(must(os.ReadDir("/proc/self/task"))) }

func residentKiB() (kib int) {
	debug.FreeOSMemory()
	for line := range strings.Lines(string(must(os.ReadFile("/proc/self/status")))) {
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kib); err == nil {
			return kib
		}
	}
	panic("no VmRSS")
}

func TestManyGoroutinesNeedFewThreads(t *testing.T) {
	const goroutines = 5000
	release := make(chan struct{})
	channel := serve(t, func(stream grpc.ServerStream) error {
		<-release
		return stream.SendMsg(text(1))
	})
	before := threads()
	var all sync.WaitGroup
	errors := make(chan error, goroutines)
	for range goroutines {
		all.Go(func() { errors <- channel.Invoke(patience(t), method, text(1), &wrapperspb.StringValue{}) })
	}
	for running(t, channel) < goroutines {
		select {
		case err := <-errors:
			t.Fatalf("a call ended early: %v", err)
		default:
			runtime.Gosched()
		}
	}
	during := threads()
	close(release)
	all.Wait()
	for range goroutines {
		ok(t, <-errors)
	}
	t.Logf("%d threads before, %d while %d goroutines were in calls", before, during, goroutines)
	if during > before+10 {
		t.Fatalf("%d threads became %d", before, during)
	}
}

// A gateway that is away, and more callers than the library lets wait by default: each holds a goroutine, so all may.
func TestAllGoroutinesWaitForAConnection(t *testing.T) {
	channel := insecure(t, "127.0.0.1:1", zeebe.WithWaitForReady(true))
	ctx, cancel := context.WithCancel(t.Context())
	const goroutines = 5000
	errors := make(chan error, goroutines)
	for range goroutines {
		go func() { errors <- channel.Invoke(ctx, method, text(1), &wrapperspb.StringValue{}) }()
	}
	await(t, func() bool { return running(t, channel) == goroutines })
	cancel()
	for range goroutines {
		failure(t, <-errors, codes.Canceled)
	}

	limited := insecure(t, "127.0.0.1:1", zeebe.WithWaitForReady(true), zeebe.WithMaxWaitingCalls(1))
	waiting, stop := context.WithCancel(t.Context())
	go func() { errors <- limited.Invoke(waiting, method, text(1), &wrapperspb.StringValue{}) }()
	await(t, func() bool { return running(t, limited) == 1 })
	failure(t, limited.Invoke(patience(t), method, text(1), &wrapperspb.StringValue{}), codes.ResourceExhausted)
	stop()
	failure(t, <-errors, codes.Canceled)
	_, err := zeebe.NewInsecureChannel(zeebe.WithMaxWaitingCalls(-2))
	refused(t, err, "WithMaxWaitingCalls")
}

// Collects until no call of the channel runs.
func collect(t *testing.T, channel *zeebe.Channel) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); running(t, channel) > 0; {
		if time.Now().After(end) {
			t.Fatalf("%d calls still run", running(t, channel))
		}
		runtime.GC()
		time.Sleep(time.Millisecond) // cleanups have a goroutine of their own
	}
}

func TestDroppedStreamsComeBack(t *testing.T) {
	// In a process of its own with one arena: by many, what was freed is spread so that the process keeps up to twice as much.
	if os.Getenv("MALLOC_ARENA_MAX") != "1" {
		command := exec.CommandContext(patience(t), os.Args[0], "-test.v", "-test.run", "^"+t.Name()+"$")
		command.Env = append(os.Environ(), "MALLOC_ARENA_MAX=1")
		output, err := command.CombinedOutput()
		t.Logf("%s", output)
		ok(t, err)
		return
	}
	gateway := testserver.StartGateway(t)
	channel := insecure(t, gateway.Address("plaintext"))
	client := gatewaypb.NewGatewayClient(channel)
	ctx, cancel := context.WithCancel(t.Context()) // which lives longer than the streams
	defer cancel()
	drop := func(count int) {
		for i := range count {
			_, err := client.StreamActivatedJobs(ctx, &gatewaypb.StreamActivatedJobsRequest{Type: "none", Worker: "test", Timeout: 1000})
			ok(t, err)
			if i%100 == 0 {
				s, err := channel.StreamJobs(ctx, &gatewaypb.StreamActivatedJobsRequest{Type: "none", Worker: "test", Timeout: 1000}, zeebe.JobStreamOptions{})
				ok(t, err)
				_ = s
			}
			if (i+1)%1000 == 0 {
				collect(t, channel) // so that as many are there at once each time
			}
		}
	}
	drop(10_000) // what is needed once
	goroutines, thread, memory := runtime.NumGoroutine(), threads(), residentKiB()
	drop(10_000)
	await(t, func() bool { return runtime.NumGoroutine() <= goroutines+2 })
	nowThreads, nowMemory := threads(), residentKiB()
	t.Logf("goroutines %d; threads %d, then %d; resident %d KiB, then %d KiB", goroutines, thread, nowThreads, memory, nowMemory)
	if nowThreads > thread+8 || (!raceDetector && nowMemory > memory+8<<10) {
		t.Fatal("something is left")
	}
}

func TestDroppedChannelsComeBack(t *testing.T) {
	gateway := testserver.StartGateway(t)
	connections := func() any { return gateway.Tell("GET", "/counters")["open_connections"] }
	for range 50 {
		channel := must(zeebe.NewInsecureChannel(zeebe.WithAddress(gateway.Address("plaintext"))))
		topology(t, channel)
	}
	for end := time.Now().Add(30 * time.Second); connections() != 0.0; {
		if time.Now().After(end) {
			t.Fatalf("%v connections are open", connections())
		}
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}
