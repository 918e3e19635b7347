package zeebe_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"libzeebe.org/go/zeebe"
	"libzeebe.org/go/zeebe/gatewaypb"
	"libzeebe.org/go/zeebe/internal/testserver"
)

// bench is a gateway with a channel and a worker's process: a task of type `work` with three retries, a header, and an error "boom" that is caught.
type bench struct {
	*testing.T
	gateway *testserver.Gateway
	channel *zeebe.Channel
	client  gatewaypb.GatewayClient
}

const workbench = `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:z="http://camunda.org/schema/zeebe/1.0"><error id="x" errorCode="boom"/>
<process id="work" isExecutable="true"><startEvent id="s"/><serviceTask id="t"><extensionElements><z:taskDefinition type="work" retries="3"/>
<z:taskHeaders><z:header key="h" value="v"/></z:taskHeaders></extensionElements></serviceTask><endEvent id="e"/><endEvent id="f"/>
<boundaryEvent id="b" attachedToRef="t"><errorEventDefinition errorRef="x"/></boundaryEvent>
<sequenceFlow id="1" sourceRef="s" targetRef="t"/><sequenceFlow id="2" sourceRef="t" targetRef="e"/><sequenceFlow id="3" sourceRef="b" targetRef="f"/></process></definitions>`

func newBench(t *testing.T) *bench {
	t.Helper()
	gateway := testserver.StartGateway(t)
	channel := insecure(t, gateway.Address("plaintext"))
	b := &bench{t, gateway, channel, gatewaypb.NewGatewayClient(channel)}
	b.deploy()
	return b
}

func (b *bench) deploy() {
	b.Helper()
	_, err := b.client.DeployResource(patience(b), &gatewaypb.DeployResourceRequest{Resources: []*gatewaypb.Resource{{Name: "work.bpmn", Content: []byte(workbench)}}})
	ok(b, err)
}

// instances starts some, whose results are given once they have ended.
func (b *bench) instances(count int, variables string) {
	b.Helper()
	for range count {
		_, err := b.client.CreateProcessInstance(patience(b), &gatewaypb.CreateProcessInstanceRequest{BpmnProcessId: "work", Version: -1, Variables: variables})
		ok(b, err)
	}
}

// result starts an instance, and is its variables at its end.
func (b *bench) result(variables string) map[string]any {
	b.Helper()
	answer, err := b.client.CreateProcessInstanceWithResult(patience(b), &gatewaypb.CreateProcessInstanceWithResultRequest{
		RequestTimeout: 30_000, Request: &gatewaypb.CreateProcessInstanceRequest{BpmnProcessId: "work", Version: -1, Variables: variables}})
	ok(b, err)
	result := map[string]any{}
	ok(b, json.Unmarshal([]byte(answer.GetVariables()), &result))
	return result
}

// worker starts one that is closed with the test, in order.
func (b *bench) worker(handler zeebe.JobHandler, options zeebe.JobWorkerOptions) *zeebe.JobWorker {
	b.Helper()
	if options.OnJobError == nil {
		options.OnJobError = func(job *zeebe.Job, err error) { b.Errorf("the job %d: %v", job.Key, err) }
	}
	w, err := b.channel.NewJobWorker("work", handler, options)
	ok(b, err)
	b.Cleanup(func() { _ = w.Close(patience(b)) })
	return w
}

// jobs are those that the gateway has.
func (b *bench) jobs() []any { return b.gateway.Tell("GET", "/state")["jobs"].([]any) }

// incident waits for one, and is its message.
func (b *bench) incident() string {
	b.Helper()
	var found string
	await(b, func() bool {
		for _, one := range b.gateway.Tell("GET", "/state")["incidents"].([]any) {
			found = fmt.Sprint(one)
		}
		return found != ""
	})
	return found
}

func await(t testing.TB, condition func() bool) {
	t.Helper()
	for ctx := patience(t); !condition(); time.Sleep(2 * time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatal("waited in vain")
		}
	}
}

// get waits for what comes by the channel.
func get[T any](t testing.TB, from <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-from:
	case <-patience(t).Done():
		t.Fatal("waited in vain")
	}
	return value
}

type workerStats struct {
	JobsHere int `json:"jobs_here"`
	Jobs     struct {
		Activated, Completed, Failed, Thrown, Unknown, Expired, Left, Late, Extended int

		NotEnded  int `json:"not_ended"`
		GivenBack int `json:"given_back"`
		SentAgain int `json:"sent_again"`
	}
}

func statsOf(t testing.TB, w *zeebe.JobWorker) (stats workerStats) {
	t.Helper()
	text, err := w.Stats()
	ok(t, err)
	ok(t, json.Unmarshal(text, &stats))
	return stats
}

func resolveAll(b *bench) {
	b.Helper()
	for _, one := range b.gateway.Tell("GET", "/state")["incidents"].([]any) {
		incident := one.(map[string]any)
		key := func(name string) (key int64) {
			_, err := fmt.Sscan(fmt.Sprintf("%.0f", incident[name]), &key)
			ok(b, err)
			return key
		}
		_, err := b.client.UpdateJobRetries(patience(b), &gatewaypb.UpdateJobRetriesRequest{JobKey: key("job_key"), Retries: 1})
		ok(b, err)
		_, err = b.client.ResolveIncident(patience(b), &gatewaypb.ResolveIncidentRequest{IncidentKey: key("key")})
		ok(b, err)
	}
}
