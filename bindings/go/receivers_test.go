//go:build cgo

package zeebe

// What no event of the library's can show, since it is the reader's alone.

import "testing"

type counter struct {
	receiver
	abandoned int
}

func (c *counter) abandon() { c.abandoned++ }

func TestATagThatWasRemovedFindsNobody(t *testing.T) {
	var r receivers
	first, second, third := &counter{}, &counter{}, &counter{}
	add := func(c *counter) uint64 {
		t.Helper()
		tag, err := r.add(c)
		if err != nil || r.get(tag) != receiver(c) {
			t.Fatalf("%v, %v", r.get(tag), err)
		}
		return tag
	}
	one, two := add(first), add(second)
	if !r.remove(one) || r.remove(one) || r.get(one) != nil {
		t.Fatal("it is there")
	}
	three := add(third) // in the place of the first
	if uint32(three) != uint32(one) || three == one || r.get(one) != nil || r.remove(one) {
		t.Fatal("the first has come back")
	}
	if r.get(two) != receiver(second) || r.get(1<<20) != nil || r.remove(1<<20) {
		t.Fatal("tags are mixed up")
	}
	r.abandon()
	if first.abandoned+10*second.abandoned+100*third.abandoned != 110 {
		t.Fatalf("%d %d %d", first.abandoned, second.abandoned, third.abandoned)
	}
	if _, err := r.add(first); err == nil || r.remove(two) || r.get(two) != nil {
		t.Fatal("it goes on after its end")
	}
}
