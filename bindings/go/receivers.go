//go:build cgo

package zeebe

import "sync"

// receivers are those of a queue, by tag: half a place's index, half how often the place was given out, so that a late event finds nobody.
type receivers struct {
	mutex  sync.Mutex
	places []place
	free   []uint32
	over   bool
}

type place struct {
	receiver receiver // nil: it is free
	times    uint32
}

// add gives a receiver its tag.
func (r *receivers) add(receiver receiver) (uint64, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.over {
		return 0, runtimeEnded()
	}
	if len(r.free) == 0 {
		r.free = append(r.free, uint32(len(r.places)))
		r.places = append(r.places, place{})
	}
	last := len(r.free) - 1
	index := r.free[last]
	r.free = r.free[:last]
	p := &r.places[index]
	p.receiver = receiver
	p.times++
	return uint64(p.times)<<32 | uint64(index), nil
}

// get is nil if there is none of that tag any more.
func (r *receivers) get(tag uint64) receiver {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if p := r.at(tag); p != nil {
		return p.receiver
	}
	return nil
}

// remove is true if the receiver was there, and not abandoned by now.
func (r *receivers) remove(tag uint64) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	p := r.at(tag)
	if p == nil {
		return false
	}
	p.receiver = nil
	r.free = append(r.free, uint32(tag))
	return true
}

// at is nil if the tag's receiver is not there. Only with the mutex.
func (r *receivers) at(tag uint64) *place {
	index := uint32(tag)
	if uint64(index) >= uint64(len(r.places)) {
		return nil
	}
	if p := &r.places[index]; p.receiver != nil && p.times == uint32(tag>>32) {
		return p
	}
	return nil
}

// abandon tells all, and that there will be no others.
func (r *receivers) abandon() {
	r.mutex.Lock()
	r.over = true
	left := r.places
	r.places, r.free = nil, nil
	r.mutex.Unlock()
	for i := range left {
		if receiver := left[i].receiver; receiver != nil {
			receiver.abandon()
		}
	}
}
