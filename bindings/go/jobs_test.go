package zeebe_test

import (
	"context"
	"encoding/json"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"libzeebe.org/go/zeebe"
	"libzeebe.org/go/zeebe/gatewaypb"
	"libzeebe.org/go/zeebe/internal/testserver"
)

const work = `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:z="http://camunda.org/schema/zeebe/1.0"><process id="work" isExecutable="true">
<startEvent id="s"/><serviceTask id="t"><extensionElements><z:taskDefinition type="work"/></extensionElements></serviceTask><endEvent id="e"/>
<sequenceFlow id="1" sourceRef="s" targetRef="t"/><sequenceFlow id="2" sourceRef="t" targetRef="e"/></process></definitions>`

// startWork deploys the process `work`, and starts instances with a job of type `work` each.
func startWork(t *testing.T, channel *zeebe.Channel, instances int) gatewaypb.GatewayClient {
	t.Helper()
	client := gatewaypb.NewGatewayClient(channel)
	_, err := client.DeployResource(patience(t), &gatewaypb.DeployResourceRequest{Resources: []*gatewaypb.Resource{{Name: "work.bpmn", Content: []byte(work)}}})
	ok(t, err)
	for range instances {
		_, err := client.CreateProcessInstance(patience(t), &gatewaypb.CreateProcessInstanceRequest{BpmnProcessId: "work", Version: -1})
		ok(t, err)
	}
	return client
}

func jobStream(t *testing.T, channel *zeebe.Channel, ctx context.Context) *zeebe.JobStream {
	t.Helper()
	s, err := channel.StreamJobs(ctx, &gatewaypb.StreamActivatedJobsRequest{Type: "work", Worker: "test", Timeout: 60_000}, zeebe.JobStreamOptions{PollInterval: 100 * time.Millisecond})
	ok(t, err)
	return s
}

// complete tries again after a lost connection, which may have taken the request or its answer along.
func complete(t *testing.T, client gatewaypb.GatewayClient, job *gatewaypb.ActivatedJob) {
	t.Helper()
	lost := false
	for {
		_, err := client.CompleteJob(patience(t), &gatewaypb.CompleteJobRequest{JobKey: job.GetKey()})
		switch code := status.Code(err); {
		case code == codes.Unavailable:
			lost = true
		case code == codes.NotFound && lost:
			return
		default:
			ok(t, err)
			return
		}
	}
}

func TestJobStreamGivesEveryJob(t *testing.T) {
	const count = 300
	gateway := testserver.StartGateway(t)
	channel := insecure(t, gateway.Address("plaintext"))
	client := startWork(t, channel, count)
	s := jobStream(t, channel, patience(t))
	keys := map[int64]bool{}
	for job, err := range zeebe.Jobs[gatewaypb.ActivatedJob](s) {
		ok(t, err)
		complete(t, client, job)
		keys[job.GetKey()] = true
		if len(keys) == count/2 {
			gateway.Tell("POST", "/reset-connections") // it is opened anew
		}
		if len(keys) == count {
			ok(t, s.Close())
		}
	}
	if len(keys) != count {
		t.Fatalf("%d jobs of %d", len(keys), count)
	}
	if err := s.Recv(&gatewaypb.ActivatedJob{}); err != io.EOF {
		t.Fatal(err)
	}
}

func TestJobStreamTellsOfWhatFailsAndIsTriedAgain(t *testing.T) {
	gateway := testserver.StartGateway(t)
	channel := insecure(t, gateway.Address("plaintext"))
	gateway.Tell("POST", "/fail?status=13&count=2&rpc=StreamActivatedJobs")
	type failure struct {
		code   codes.Code
		inARow int
	}
	failures := make(chan failure)
	ctx := patience(t)
	s, err := channel.StreamJobs(ctx, &gatewaypb.StreamActivatedJobsRequest{Type: "work", Worker: "test", Timeout: 60_000}, zeebe.JobStreamOptions{
		PollInterval: time.Hour,
		OnError: func(err error, inARow int, pause time.Duration) {
			if pause <= 0 {
				t.Errorf("a pause of %v", pause)
			}
			select {
			case failures <- failure{status.Code(err), inARow}:
			case <-ctx.Done():
			}
		},
	})
	ok(t, err)
	for i := 1; i <= 2; i++ {
		select {
		case got := <-failures:
			if got != (failure{codes.Internal, i}) {
				t.Fatalf("%v", got)
			}
		case <-ctx.Done():
			t.Fatalf("failure %d was not told", i)
		}
	}
	ok(t, s.Close())
	if err := s.Recv(&gatewaypb.ActivatedJob{}); err != io.EOF {
		t.Fatal(err)
	}
}

// What waits for Recv counts, also after Go has it: the gateway keeps the rest.
func TestJobStreamHoldsWhatMayWait(t *testing.T) {
	const count, mayWait = 40, 4
	gateway := testserver.StartGateway(t)
	channel := insecure(t, gateway.Address("plaintext"))
	startWork(t, channel, count)
	s, err := channel.StreamJobs(patience(t), &gatewaypb.StreamActivatedJobsRequest{Type: "work", Worker: "test", Timeout: 60_000}, zeebe.JobStreamOptions{MaxBufferedJobs: mayWait, PollInterval: 10 * time.Millisecond})
	ok(t, err)
	came := func() int {
		var stats struct {
			JobStreams struct{ Pushed, Polled int } `json:"job_streams"`
		}
		ok(t, json.Unmarshal(must(channel.Stats()), &stats))
		return stats.JobStreams.Pushed + stats.JobStreams.Polled
	}
	for came() < mayWait && patience(t).Err() == nil {
	}
	time.Sleep(100 * time.Millisecond) // many polls are due by now, but for what waits
	if came := came(); came > mayWait+1 {
		t.Fatalf("%d jobs came to a program that took none of %d", came, mayWait)
	}
	for range count {
		ok(t, s.Recv(&gatewaypb.ActivatedJob{}))
	}
	ok(t, s.Close())
	if err := s.Recv(&gatewaypb.ActivatedJob{}); err != io.EOF {
		t.Fatal(err)
	}
	_, err = channel.StreamJobs(t.Context(), &gatewaypb.StreamActivatedJobsRequest{Type: "work", Worker: "test", Timeout: 60_000}, zeebe.JobStreamOptions{MaxBufferedBytes: -1})
	if found := failure(t, err, codes.InvalidArgument); found.Option != "JobStreamOptions.MaxBufferedBytes" {
		t.Fatal(found.Option)
	}
}

func TestJobStreamEndsWithItsContext(t *testing.T) {
	gateway := testserver.StartGateway(t)
	channel := insecure(t, gateway.Address("plaintext"))
	gateway.Tell("POST", "/fail?status=7&count=1&rpc=StreamActivatedJobs")
	// While there are no jobs: a poll would give them first.
	failure(t, jobStream(t, channel, patience(t)).Recv(&gatewaypb.ActivatedJob{}), codes.PermissionDenied)

	ctx, cancel := context.WithCancel(t.Context())
	s := jobStream(t, channel, ctx)
	ended := make(chan error)
	go func() { ended <- s.Recv(&gatewaypb.ActivatedJob{}) }()
	cancel()
	failure(t, <-ended, codes.Canceled)
	ok(t, s.Close()) // does nothing any more

	ctx, cancel = context.WithCancel(t.Context())
	startWork(t, channel, 30)
	s = jobStream(t, channel, ctx)
	var stats struct {
		JobStreams struct{ Pushed, Polled int } `json:"job_streams"`
	}
	for stats.JobStreams.Pushed+stats.JobStreams.Polled < 10 && patience(t).Err() == nil {
		ok(t, json.Unmarshal(must(channel.Stats()), &stats))
	}
	ok(t, s.Recv(&gatewaypb.ActivatedJob{}))
	cancel()
	for range 2 {
		failure(t, s.Recv(&gatewaypb.ActivatedJob{}), codes.Canceled) // the jobs that wait are for another worker
	}

	ctx, cancel = context.WithCancel(t.Context())
	closed := insecure(t, gateway.Address("plaintext"))
	s = jobStream(t, closed, ctx)
	ok(t, closed.Close())
	first := failure(t, s.Recv(&gatewaypb.ActivatedJob{}), codes.Canceled)
	message := first.Message
	cancel()
	failure(t, s.Recv(&gatewaypb.ActivatedJob{}), codes.Canceled)
	if first.Message != message {
		t.Fatalf("an error that was returned says %q instead of %q", first.Message, message)
	}

	_, err := channel.StreamJobs(t.Context(), &gatewaypb.StreamActivatedJobsRequest{Type: "work", Worker: "test", Timeout: 60_000}, zeebe.JobStreamOptions{MaxBufferedJobs: -1})
	failure(t, err, codes.InvalidArgument)
}
