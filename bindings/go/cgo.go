package zeebe

// #cgo pkg-config: zeebe
// #cgo CFLAGS: -std=gnu11
// #cgo LDFLAGS: -pthread
// #cgo noescape zeebego_next
// #cgo nocallback zeebego_next
// #cgo noescape zeebego_unary
// #cgo nocallback zeebego_unary
// #cgo noescape zeebego_stream
// #cgo nocallback zeebego_stream
// #cgo noescape zeebego_send
// #cgo nocallback zeebego_send
// #include "glue.h"
import "C"

import (
	"fmt"
	"strings"
	"unsafe"

	"google.golang.org/grpc/codes"
)

// Version is that of the library that runs, such as "0.1.0".
func Version() string { return C.GoString(C.zeebe_version()) }

// arena holds what a C function is given, in C's memory, until free, which overwrites it: it may be a secret.
type arena struct {
	blocks [][]byte
	err    error
}

func (a *arena) allocate(size int) unsafe.Pointer {
	memory := C.calloc(1, C.size_t(size))
	a.blocks = append(a.blocks, unsafe.Slice((*byte)(memory), size))
	return memory
}

// text is a copy of a string that was given, NULL of one that was not. One with a NUL is refused: C would see a part of it.
func (a *arena) text(name string, value *string) *C.char {
	if value == nil {
		return nil
	}
	if at := strings.IndexByte(*value, 0); at >= 0 {
		a.refuse(name, fmt.Sprintf("has a NUL character, at byte %d, and C's strings cannot hold one", at))
		return nil
	}
	memory := a.allocate(len(*value) + 1)
	copy(unsafe.Slice((*byte)(memory), len(*value)), *value)
	return (*C.char)(memory)
}

// refuse keeps why what has this name cannot be given to C; the first reason counts.
func (a *arena) refuse(name, why string) {
	if a.err != nil {
		return
	}
	refusal := invalidArgument(name + " " + why)
	if !strings.Contains(name, " ") { // else it is an argument
		refusal.Option = name
	}
	a.err = refusal
}

// notEmpty is text for values of which "" stands for "not given".
func (a *arena) notEmpty(name, value string) *C.char {
	if value == "" {
		return nil
	}
	return a.text(name, &value)
}

func (a *arena) free() {
	for _, block := range a.blocks {
		clear(block)
		C.free(unsafe.Pointer(unsafe.SliceData(block)))
	}
	a.blocks = nil
}

func invalidArgument(message string) *Error {
	return &Error{Kind: KindInvalidArgument, Source: SourceCaller, Code: codes.InvalidArgument, Message: message, RetryAfter: -1}
}

// takeString copies what the library gave out, and frees it.
func takeString(text *C.char) string {
	defer C.zeebe_string_free(text)
	return C.GoString(text)
}

func flag(value bool) C.int32_t {
	if value {
		return 1
	}
	return 0
}

// droppable is in what has a cleanup: the collector puts small values without a pointer of Go's together, and C's do not count; it would find
// such a value dropped only with its neighbours.
type droppable struct{ _ *byte }
