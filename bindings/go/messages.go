package zeebe

// #include "glue.h"
import "C"

import (
	"unsafe"

	"google.golang.org/grpc/mem"
)

// messagesFirst is how many messages the events begin with.
func messagesFirst(events []C.zeebe_event) int {
	count := 0
	for count < len(events) && events[count].event_type == C.ZEEBE_EVENT_TYPE_MESSAGE {
		count++
	}
	return count
}

// Messages that came together share memory of so many bytes at most: who keeps one of them keeps no more.
const sharedMemory = 16 << 10

// together are messages that came together, one behind the other in one memory: the pool's, and its again once whoever has a part of it freed that.
type together struct {
	memory  mem.Buffer
	start   int             // of the first that was not taken
	lengths []int32         // of those that were not taken
	places  mem.BufferSlice // for them, once they are taken; made when the first one is
}

// inbox has messages, oldest first.
type inbox []together

// put appends copies of the events' messages.
func (i *inbox) put(events []C.zeebe_event) {
	for len(events) > 0 {
		size, count := int(events[0].length), 1
		for count < len(events) && size+int(events[count].length) <= sharedMemory {
			size += int(events[count].length)
			count++
		}
		memory, lengths := memoryOf(size), make([]int32, count)
		for n, at := 0, 0; n < count; n++ {
			lengths[n] = int32(copy((*memory)[at:], bytesOf(&events[n])))
			at += int(lengths[n])
		}
		*i = append(*i, together{memory: mem.NewBuffer(memory, mem.DefaultBufferPool()), lengths: lengths})
		events = events[count:]
	}
}

// take gives the first message, of at least one, in a slice that is not used again: a codec may keep it.
func (i *inbox) take() mem.BufferSlice {
	first := &(*i)[0]
	if first.places == nil {
		first.places = make(mem.BufferSlice, len(first.lengths))
	}
	message := first.places[:1:1]
	end := first.start + int(first.lengths[0])
	message[0] = first.memory.Slice(first.start, end)
	first.start, first.lengths, first.places = end, first.lengths[1:], first.places[1:]
	if len(first.lengths) == 0 {
		first.memory.Free()
		*i = (*i)[1:]
	}
	return message
}

// drop frees all.
func (i *inbox) drop() {
	for _, messages := range *i {
		messages.memory.Free()
	}
	*i = nil
}

// memoryOf is of the pool, unless that is not for so little.
func memoryOf(size int) *[]byte {
	if mem.IsBelowBufferPoolingThreshold(size) {
		memory := make([]byte, size)
		return &memory
	}
	return mem.DefaultBufferPool().Get(size)
}

// bytesOf is an event's message, the library's.
func bytesOf(event *C.zeebe_event) []byte { return unsafe.Slice((*byte)(event.data), event.length) }

func copyMessage(event *C.zeebe_event) mem.Buffer {
	return mem.Copy(bytesOf(event), mem.DefaultBufferPool())
}
