// Worker completes the jobs of one type, from the gateway that the environment names, until SIGINT or SIGTERM, which end it in order: it takes no more
// jobs, and completes those that it works on.
//
//	ZEEBE_ADDRESS=localhost:26500 ZEEBE_INSECURE_CONNECTION=true go run ./examples/worker payment
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"libzeebe.org/go/zeebe"
)

type order struct{ Amount int64 }

// pay is what the worker is there for; up to 16 of it run at once. An error fails the job, which comes again while it has retries.
func pay(_ context.Context, job *zeebe.Job, of order) (map[string]int64, error) {
	if of.Amount < 0 {
		return nil, fmt.Errorf("the amount is %d", of.Amount)
	}
	log.Printf("job %d: paid", job.Key)
	return map[string]int64{"paid": of.Amount}, nil
}

func main() {
	channel, err := zeebe.NewChannelFromEnvironment()
	check(err)
	worker, err := channel.NewJobWorker(os.Args[1], zeebe.Typed(pay), zeebe.JobWorkerOptions{WorkerName: "go-worker", HandlersAtOnce: 16})
	check(err)
	told, _ := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(told, func() { check(worker.Close(context.Background())) })
	<-worker.Done() // also if the gateway refuses it
	check(worker.Err())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
