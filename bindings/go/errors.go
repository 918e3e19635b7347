package zeebe

// #include "glue.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unsafe"

	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Kind is what went wrong. New ones may appear: judge an unknown one by the error's Code.
type Kind int32

const (
	// KindInvalidArgument: an argument is malformed or out of range.
	KindInvalidArgument Kind = C.ZEEBE_ERROR_KIND_INVALID_ARGUMENT
	// KindIllegalState: the function cannot be used now or here.
	KindIllegalState Kind = C.ZEEBE_ERROR_KIND_ILLEGAL_STATE
	// KindSettings: a setting is missing or cannot be used.
	KindSettings Kind = C.ZEEBE_ERROR_KIND_SETTINGS
	// KindInvalidOAuthCredentials: the token endpoint refused the client. Trying again does not help.
	KindInvalidOAuthCredentials Kind = C.ZEEBE_ERROR_KIND_INVALID_OAUTH_CREDENTIALS
	// KindTLS: a certificate or key does not parse.
	KindTLS Kind = C.ZEEBE_ERROR_KIND_TLS
	// KindRPC: a call ended with a gRPC status, or a wait with its deadline.
	KindRPC Kind = C.ZEEBE_ERROR_KIND_RPC
	// KindShutdown: the channel or the library's runtime was shut down.
	KindShutdown Kind = C.ZEEBE_ERROR_KIND_SHUTDOWN
	// KindInternal: a bug in the library.
	KindInternal Kind = C.ZEEBE_ERROR_KIND_INTERNAL
)

// String is the kind's name, as in zeebe.h.
func (k Kind) String() string {
	return name(int(k), "NONE", "INVALID_ARGUMENT", "ILLEGAL_STATE", "SETTINGS", "INVALID_OAUTH_CREDENTIALS", "TLS", "RPC", "SHUTDOWN", "INTERNAL")
}

// Source is who says so.
type Source int32

const (
	// SourceCaller: the program: an argument, a cancel, its own token source.
	SourceCaller Source = C.ZEEBE_ERROR_SOURCE_CALLER
	// SourceTokenEndpoint: the OAuth2 authorization server.
	SourceTokenEndpoint Source = C.ZEEBE_ERROR_SOURCE_TOKEN_ENDPOINT
	// SourceTransport: network, TLS, HTTP/2, or a proxy on the way.
	SourceTransport Source = C.ZEEBE_ERROR_SOURCE_TRANSPORT
	// SourceGateway: the gateway's own answer.
	SourceGateway Source = C.ZEEBE_ERROR_SOURCE_GATEWAY
	// SourceLibrary: the library: a deadline, a limit, a shutdown.
	SourceLibrary Source = C.ZEEBE_ERROR_SOURCE_LIBRARY
)

// String is the source's name, as in zeebe.h.
func (s Source) String() string {
	return name(int(s), "NONE", "CALLER", "TOKEN_ENDPOINT", "TRANSPORT", "GATEWAY", "LIBRARY")
}

func name(value int, names ...string) string {
	if value >= 0 && value < len(names) {
		return names[value]
	}
	return fmt.Sprint(value)
}

// Error is why a function or a call failed. errors.As finds it in what this package returns.
type Error struct {
	Kind   Kind
	Source Source
	// Code is the gRPC status, never OK.
	Code codes.Code
	// Message is for people and logs. It never holds a secret.
	Message string
	// Option is the option that is at fault or would help, such as "WithLeeway" or "TokenOptions.CA", if the message names one.
	Option string
	// Retryable: the same request may succeed later, whatever its idempotence.
	Retryable bool
	// MayHaveBeenProcessed is false only if the gateway certainly did nothing with the call. Ask it before repeating what must not happen
	// twice.
	MayHaveBeenProcessed bool
	// RetryAfter is how long the peer asks to wait before the next try; negative if it said nothing.
	RetryAfter time.Duration
	// Header and Trailer came with the failure; nil if none did.
	Header, Trailer metadata.MD

	details []byte // an encoded google.rpc.Status
	call    bool   // a call ended with it
}

// Error reads as grpc-go's if a call ended with it, else it begins with "zeebe: ".
func (e *Error) Error() string {
	if e.call {
		return fmt.Sprintf("rpc error: code = %s desc = %s", e.Code, e.Message)
	}
	return "zeebe: " + e.Message
}

// GRPCStatus is the error as a gRPC status with its details; status.FromError and status.Code of grpc-go use it.
func (e *Error) GRPCStatus() *status.Status {
	of := &statuspb.Status{}
	if len(e.details) > 0 && proto.Unmarshal(e.details, of) != nil {
		of = &statuspb.Status{}
	}
	of.Code, of.Message = int32(e.Code), e.Message
	return status.FromProto(of)
}

// Is makes errors.Is(err, context.DeadlineExceeded) true for a deadline that passed here, and errors.Is(err, context.Canceled) for what the
// program cancelled.
func (e *Error) Is(target error) bool {
	switch target {
	case context.DeadlineExceeded:
		return e.Code == codes.DeadlineExceeded && e.Source != SourceGateway
	case context.Canceled:
		return e.Code == codes.Canceled && e.Source == SourceCaller
	}
	return false
}

// takeError makes a Go error of the library's, and frees that. nil for NULL.
func takeError(from *C.zeebe_error) error {
	if from == nil {
		return nil
	}
	return newError(from)
}

func newError(from *C.zeebe_error) *Error {
	defer C.zeebe_error_free(from)
	var read C.zeebego_failure
	C.zeebego_read_error(from, &read)
	made := &Error{
		Kind:                 Kind(read.kind),
		Source:               Source(read.source),
		Code:                 codes.Code(read.grpc_status),
		Message:              C.GoString(read.message),
		Retryable:            read.retryable != 0,
		MayHaveBeenProcessed: read.may_have_been_processed != 0,
		RetryAfter:           -1,
		Header:               unpackMetadata(read.initial_metadata),
		Trailer:              unpackMetadata(read.trailers),
	}
	if read.retry_after_ms >= 0 {
		made.RetryAfter = time.Duration(read.retry_after_ms) * time.Millisecond
	}
	if read.option != nil {
		made.Message = inGo(made.Message)
		if option := inGo(C.GoString(read.option)); !strings.Contains(option, " ") { // else it is an argument
			made.Option = option
		}
	}
	if read.details != nil {
		made.details = C.GoBytes(unsafe.Pointer(read.details), C.int(read.details_length))
	}
	return made
}

// callError is takeError for how a call ended.
func callError(from *C.zeebe_error) *Error {
	made := newError(from)
	made.call = true
	return made
}

// contextError is why a call did not begin, or was cancelled.
func contextError(ctx context.Context) *Error {
	made := &Error{Kind: KindRPC, Source: SourceCaller, Code: codes.Canceled, Message: ctx.Err().Error(), RetryAfter: -1, call: true}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		made.Code = codes.DeadlineExceeded
	}
	return made
}

// localError is a failure of a call that is not the library's.
func localError(code codes.Code, format string, arguments ...any) *Error {
	return &Error{Kind: KindRPC, Source: SourceLibrary, Code: code, Message: fmt.Sprintf(format, arguments...), RetryAfter: -1, call: true}
}

// runtimeEnded is the failure of what the end of the runtime left without one.
func runtimeEnded() *Error {
	return &Error{Kind: KindShutdown, Source: SourceLibrary, Code: codes.Unavailable, Message: "the runtime was shut down", RetryAfter: -1, call: true}
}

// processed: the gateway may have done something with the call.
func (e *Error) processed() *Error {
	e.MayHaveBeenProcessed = true
	return e
}
