// Worker completes the jobs of one type, from the gateway that the environment names, until it is told to stop.
//
//	ZEEBE_ADDRESS=localhost:26500 ZEEBE_INSECURE_CONNECTION=true go run ./examples/worker -type payment
//
// SIGINT or SIGTERM ends it in order: it takes no more jobs, and completes those that it works on.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os/signal"
	"syscall"

	"libzeebe.org/go/zeebe"
)

type order struct {
	Order  string `json:"order"`
	Amount int64  `json:"amount"`
}

type receipt struct {
	Paid int64 `json:"paid"`
}

// pay is what the worker is there for; up to 16 of it run at once. An error fails the job, which comes again while it has retries.
func pay(_ context.Context, job *zeebe.Job, of order) (receipt, error) {
	if of.Amount < 0 {
		return receipt{}, fmt.Errorf("the amount of the order %q is %d", of.Order, of.Amount)
	}
	log.Printf("job %d: paid", job.Key)
	return receipt{Paid: of.Amount}, nil
}

func main() {
	jobType := flag.String("type", "payment", "the type of the jobs")
	flag.Parse()
	channel, err := zeebe.NewChannelFromEnvironment()
	if err != nil {
		log.Fatal(err)
	}
	worker, err := channel.NewJobWorker(*jobType, zeebe.Typed(pay), zeebe.JobWorkerOptions{WorkerName: "go-worker", HandlersAtOnce: 16})
	if err != nil {
		log.Fatal(err)
	}
	told, _ := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	select {
	case <-told.Done():
	case <-worker.Done(): // the gateway refuses it
	}
	if err := worker.Close(context.Background()); err != nil {
		log.Fatal(err)
	}
}
