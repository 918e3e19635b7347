// Worker completes the jobs of one type, from the gateway that the environment names, until it is told to stop.
//
//	ZEEBE_ADDRESS=localhost:26500 ZEEBE_INSECURE_CONNECTION=true go run ./examples/worker -type payment
//
// SIGINT or SIGTERM ends it in order: it takes no more jobs, and completes those that it has.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"libzeebe/zeebe"
	"libzeebe/zeebe/gatewaypb"
)

func main() {
	jobType := flag.String("type", "payment", "the type of the jobs")
	atOnce := flag.Int("at-once", 16, "how many jobs are worked on at once")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *jobType, *atOnce); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, jobType string, atOnce int) error {
	channel, err := zeebe.NewChannelFromEnvironment(zeebe.WithTimeout(10 * time.Second))
	if err != nil {
		return err
	}
	defer channel.Close()
	client := gatewaypb.NewGatewayClient(channel)

	// Its own context: a signal closes it, which lets it finish.
	jobs, err := channel.StreamJobs(context.WithoutCancel(ctx), &gatewaypb.StreamActivatedJobsRequest{
		Type: jobType, Worker: "go-worker", Timeout: time.Minute.Milliseconds(),
	}, zeebe.JobStreamOptions{MaxBufferedJobs: atOnce})
	if err != nil {
		return err
	}
	stopWatching := context.AfterFunc(ctx, func() { _ = jobs.Close() })
	defer stopWatching()
	log.Printf("waits for jobs of type %q", jobType)

	var working sync.WaitGroup
	defer working.Wait() // before the channel is closed
	places := make(chan struct{}, atOnce)
	for job, err := range zeebe.Jobs[gatewaypb.ActivatedJob](jobs) {
		if err != nil {
			return err
		}
		places <- struct{}{}
		working.Go(func() {
			defer func() { <-places }()
			serve(client, job)
		})
	}
	return nil
}

// serve does one job, and tells the gateway how it went.
func serve(client gatewaypb.GatewayClient, job *gatewaypb.ActivatedJob) {
	ctx := context.Background() // the channel's time-out bounds each call
	variables, err := work(job)
	if err == nil {
		_, err = client.CompleteJob(ctx, &gatewaypb.CompleteJobRequest{JobKey: job.GetKey(), Variables: variables})
	} else {
		_, err = client.FailJob(ctx, &gatewaypb.FailJobRequest{JobKey: job.GetKey(), Retries: job.GetRetries() - 1, ErrorMessage: err.Error()})
	}
	if failure := (*zeebe.Error)(nil); errors.As(err, &failure) {
		// The gateway gives the job to a worker again once its time-out has passed.
		log.Printf("job %d: %v (may pass: %t)", job.GetKey(), failure, failure.Retryable)
		return
	}
	log.Printf("job %d: done", job.GetKey())
}

// work is what the worker is there for: here it adds a variable.
func work(job *gatewaypb.ActivatedJob) (string, error) {
	variables := map[string]any{}
	if err := json.Unmarshal([]byte(job.GetVariables()), &variables); err != nil {
		return "", err
	}
	result, err := json.Marshal(map[string]any{"paid": true, "order": variables["order"]})
	return string(result), err
}
