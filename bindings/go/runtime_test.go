package zeebe_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"libzeebe.org/go/zeebe"
	"libzeebe.org/go/zeebe/gatewaypb"
	"libzeebe.org/go/zeebe/internal/testserver"
)

// ioThreads is how many of the process's threads are the library's for I/O.
func ioThreads() int {
	count := 0
	for _, name := range must(filepath.Glob("/proc/self/task/*/comm")) {
		comm, err := os.ReadFile(name)
		if err == nil && strings.HasPrefix(string(comm), "zeebe-io-") {
			count++
		}
	}
	return count
}

func TestTheRuntimeHasAsManyIOThreadsAsWereConfigured(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("threads are counted by /proc")
	}
	// Each in a process of its own, which has one runtime.
	wanted := map[string]int{"": 0, "0": 0, "1": 1, "3": 3}
	number, isChild := os.LookupEnv("IO_THREADS")
	if !isChild {
		for number := range wanted {
			command := exec.CommandContext(patience(t), os.Args[0], "-test.v", "-test.run", "^"+t.Name()+"$")
			command.Env = append(os.Environ(), "IO_THREADS="+number)
			output, err := command.CombinedOutput()
			t.Logf("%q: %s", number, output)
			ok(t, err)
		}
		return
	}
	if number != "" {
		ok(t, zeebe.ConfigureRuntime(zeebe.RuntimeOptions{IOThreads: wanted[number]}))
	}
	gateway := testserver.StartGateway(t)
	for range 2 { // the next runtime is the same
		channel := must(zeebe.NewInsecureChannel(zeebe.WithAddress(gateway.Address("plaintext"))))
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { topology(t, channel) })
		}
		all.Wait()
		await(t, func() bool { return ioThreads() == wanted[number] }) // a thread is there before its name
		if err := zeebe.ConfigureRuntime(zeebe.RuntimeOptions{}); failure(t, err, codes.FailedPrecondition).Kind != zeebe.KindIllegalState {
			t.Error(err)
		}
		ok(t, zeebe.ShutdownRuntime(zeebe.Forever))
	}
	for _, threads := range []int{-1, 65, 1 << 40} {
		refused(t, zeebe.ConfigureRuntime(zeebe.RuntimeOptions{IOThreads: threads}), "RuntimeOptions.IOThreads")
	}
}

// Whoever begins something while the runtime ends is told so, once.
func TestTheRuntimeEndsWhileStreamsBegin(t *testing.T) {
	for range 40 {
		channel := must(zeebe.NewInsecureChannel(zeebe.WithAddress("localhost:1"), zeebe.WithWaitForReady(true)))
		begun := make(chan struct{}, 4)
		var all sync.WaitGroup
		begin := func(one func() error) {
			all.Go(func() {
				for one() == nil {
					select {
					case begun <- struct{}{}:
					default:
					}
				}
			})
		}
		for range 2 {
			begin(func() error {
				_, err := channel.StreamJobs(t.Context(), &gatewaypb.StreamActivatedJobsRequest{Type: "none", Worker: "test", Timeout: 1000}, zeebe.JobStreamOptions{})
				return err
			})
		}
		var mutex sync.Mutex
		var told []*atomic.Int32
		for range 2 {
			begin(func() error {
				var count atomic.Int32
				mutex.Lock()
				told = append(told, &count)
				mutex.Unlock()
				_, err := channel.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, method, grpc.OnFinish(func(error) { count.Add(1) }))
				return err
			})
		}
		get(t, begun)
		ok(t, zeebe.ShutdownRuntime(zeebe.Forever))
		all.Wait()
		for _, count := range told {
			await(t, func() bool { return count.Load() > 0 })
			if count.Load() != 1 {
				t.Fatal(count.Load())
			}
		}
	}
}
