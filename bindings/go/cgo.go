package zeebe

// #cgo pkg-config: zeebe
// #cgo CFLAGS: -std=gnu11
// #cgo LDFLAGS: -pthread
// #cgo noescape zeebego_next
// #cgo noescape zeebego_unary
// #cgo nocallback zeebego_unary
// #cgo noescape zeebego_stream
// #cgo nocallback zeebego_stream
// #cgo noescape zeebego_send
// #cgo nocallback zeebego_send
// #cgo noescape zeebego_end_job
// #cgo nocallback zeebego_end_job
// #include "glue.h"
import "C"

import (
	"fmt"
	"strings"
	"unsafe"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// Version is that of the library that runs, such as "0.1.0".
func Version() string { return C.GoString(C.zeebe_version()) }

// arena holds what a C function is given, in C's memory, until free, which overwrites it: it may be a secret.
type arena struct {
	blocks   [][]byte
	unpacked []*C.zeebe_metadata
	err      error
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

// texts are copies of strings, NULL if there are none.
func (a *arena) texts(name string, values []string) (**C.char, C.size_t) {
	if len(values) == 0 {
		return nil, 0
	}
	array := (**C.char)(a.allocate(len(values) * int(unsafe.Sizeof((*C.char)(nil)))))
	for i := range values {
		unsafe.Slice(array, len(values))[i] = a.text(name, &values[i])
	}
	return array, C.size_t(len(values))
}

// metadata is a copy of pairs, NULL if there are none.
func (a *arena) metadata(pairs metadata.MD) *C.zeebe_metadata {
	packed, err := packMetadata(nil, pairs)
	if err != nil && a.err == nil {
		a.err = err
	}
	if len(packed) == 0 {
		return nil
	}
	var unpacked *C.zeebe_metadata
	failure := C.zeebego_unpack_metadata((*C.uint8_t)(unsafe.SliceData(packed)), C.size_t(len(packed)), &unpacked)
	a.unpacked = append(a.unpacked, unpacked)
	if err := takeError(failure); err != nil && a.err == nil {
		a.err = err
	}
	return unpacked
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
	for _, unpacked := range a.unpacked {
		C.zeebe_metadata_free(unpacked)
	}
	a.blocks, a.unpacked = nil, nil
}

func invalidArgument(message string) *Error {
	return &Error{Kind: KindInvalidArgument, Source: SourceCaller, Code: codes.InvalidArgument, Message: message, RetryAfter: -1}
}

// takeString copies what the library gave out, and frees it.
func takeString(text *C.char) string {
	defer C.zeebe_string_free(text)
	return C.GoString(text)
}

// textOf is what C writes of all these handles; of none it is asked with a pointer, too.
func textOf[H any](handles []H, write func(first *H, count C.size_t, text **C.char) *C.zeebe_error) (string, error) {
	var text *C.char
	if err := takeError(write(unsafe.SliceData(handles), C.size_t(len(handles)), &text)); err != nil {
		return "", err
	}
	return takeString(text), nil
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
