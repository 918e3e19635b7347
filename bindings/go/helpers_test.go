package zeebe_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"libzeebe.org/go/zeebe"
	"libzeebe.org/go/zeebe/gatewaypb"
)

// patience is far more than anything here needs.
func patience(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must returns what it is given without the error, which there must not be.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func open(t testing.TB, channel *zeebe.Channel, err error) *zeebe.Channel {
	t.Helper()
	ok(t, err)
	t.Cleanup(func() { ok(t, channel.Close()) })
	return channel
}

func insecure(t testing.TB, address string, options ...zeebe.Option) *zeebe.Channel {
	t.Helper()
	channel, err := zeebe.NewInsecureChannel(append(options, zeebe.WithAddress(address))...)
	return open(t, channel, err)
}

var waitForReady = grpc.WaitForReady(true)

// failure is the error as ours, which it must be, with this code.
func failure(t testing.TB, err error, code codes.Code) *zeebe.Error {
	t.Helper()
	var found *zeebe.Error
	if !errors.As(err, &found) {
		t.Fatalf("no *zeebe.Error: %v", err)
	}
	if status.Code(err) != code || found.Code != code {
		t.Fatalf("the code is %v, not %v: %v", status.Code(err), code, err)
	}
	return found
}

func topology(t testing.TB, channel *zeebe.Channel) {
	t.Helper()
	answer, err := gatewaypb.NewGatewayClient(channel).Topology(patience(t), &gatewaypb.TopologyRequest{})
	ok(t, err)
	if answer.GetPartitionsCount() != 1 {
		t.Fatalf("the topology is %v", answer)
	}
}

// running is how many calls of the channel have not ended.
func running(t testing.TB, channel *zeebe.Channel) int {
	t.Helper()
	var stats struct{ Calls struct{ Running int } }
	ok(t, json.Unmarshal(must(channel.Stats()), &stats))
	return stats.Calls.Running
}
