//go:build cgo

package zeebe

// What of a job stream's end depends on who is faster.

import (
	"context"
	"testing"
)

func TestAJobStreamMayBeAbandonedBeforeItHasBegun(t *testing.T) {
	s := &jobStream{ctx: context.Background(), arrived: make(chan struct{}, 1), ended: make(chan struct{})}
	s.abandon()
	<-s.ended
	if _, ended, failure := s.next(); !ended || failure == nil || failure.Kind != KindShutdown {
		t.Fatal(ended, failure)
	}
}
