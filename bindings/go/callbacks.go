package zeebe

// #include "glue.h"
import "C"

import (
	"context"
	"errors"
	"log/slog"
	"runtime/cgo"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Token is a bearer token, as a [TokenSource] gives it.
type Token struct {
	// AccessToken is a secret: printable ASCII without spaces.
	AccessToken string
	// Scope is what was granted; may be empty.
	Scope string
	// ExpiresIn is how long it is good from now, rounded up to seconds; 0: unknown. One that is negative has ended: the calls that wait for it get it, no other.
	ExpiresIn time.Duration
}

// TokenSource gives a token. It is asked at most once at a time, on a goroutine of its own; the context is done when the answer is no longer waited for,
// after thirty seconds at the latest. A failure with a gRPC status keeps its code, another one is Unavailable, and an [*Error]'s RetryAfter is
// heeded.
type TokenSource func(ctx context.Context) (Token, error)

// TokenSourceOptions are those of [NewTokenSourcePlugin]. See [WithLeeway] and [WithExpireIn]; nil: not given.
type TokenSourceOptions struct{ Leeway, ExpireIn *time.Duration }

// NewTokenSourcePlugin authenticates with the program's own tokens, which it keeps until they expire.
func NewTokenSourcePlugin(source TokenSource, options TokenSourceOptions) (*MetadataPlugin, error) {
	if source == nil {
		return nil, invalidArgument("the token source is nil")
	}
	var memory arena
	leeway := memory.leeway("TokenSourceOptions.Leeway", options.Leeway)
	expireIn := memory.duration("TokenSourceOptions.ExpireIn", options.ExpireIn, time.Second)
	if memory.err != nil {
		return nil, memory.err
	}
	handle := cgo.NewHandle(source)
	plugin, err := newPlugin(func(ptr **C.zeebe_metadata_plugin) *C.zeebe_error {
		return C.zeebego_token_source_new(C.uintptr_t(handle), leeway, expireIn, ptr)
	})
	if err != nil {
		handle.Delete()
	}
	return plugin, err
}

// How long the library waits for a token source.
const tokenPatience = 30 * time.Second

// tokenRequests are those that a source is asked for now, with what cancels each.
var tokenRequests sync.Map // *C.zeebe_token_request to context.CancelFunc

//export zeebegoRetrieve
func zeebegoRetrieve(handle C.uintptr_t, request *C.zeebe_token_request) {
	source := cgo.Handle(handle).Value().(TokenSource)
	ctx, cancel := context.WithTimeout(context.Background(), tokenPatience)
	tokenRequests.Store(request, cancel)
	go func() {
		defer func() {
			tokenRequests.Delete(request)
			cancel()
			C.zeebe_token_request_free(request) // one without an answer fails
		}()
		token, err := source(ctx)
		if err == nil {
			err = complete(request, token)
		}
		if err != nil {
			fail(request, err)
		}
	}()
}

func complete(request *C.zeebe_token_request, token Token) error {
	var memory arena
	defer memory.free()
	native := (*C.zeebe_token)(memory.allocate(C.sizeof_zeebe_token))
	native.size = C.sizeof_zeebe_token
	native.access_token = memory.text("the access token", &token.AccessToken)
	native.scope = memory.notEmpty("the token's scope", token.Scope)
	native.expires_in = roundUp(token.ExpiresIn, time.Second)
	if token.ExpiresIn < 0 {
		native.expires_in = -1
	}
	if memory.err != nil {
		return memory.err
	}
	return takeError(C.zeebe_token_request_complete(request, native))
}

func fail(request *C.zeebe_token_request, err error) {
	code, retryAfter := codes.Unavailable, C.int64_t(-1)
	if of, ok := status.FromError(err); ok && of.Code() != codes.OK {
		code = of.Code()
	} else if errors.Is(err, context.DeadlineExceeded) {
		code = codes.DeadlineExceeded
	}
	if failure := (*Error)(nil); errors.As(err, &failure) && failure.RetryAfter >= 0 {
		retryAfter = toWait(failure.RetryAfter)
	}
	var memory arena
	defer memory.free()
	message := err.Error()
	text := memory.text("what the token source says", &message)
	// Answered before, as `complete` may have done: nothing is left to say.
	C.zeebe_error_free(C.zeebe_token_request_fail(request, C.int32_t(code), text, retryAfter))
}

//export zeebegoRetrieveCancel
func zeebegoRetrieveCancel(request *C.zeebe_token_request) {
	if cancel, ok := tokenRequests.Load(request); ok {
		cancel.(context.CancelFunc)()
	}
}

//export zeebegoDestroy
func zeebegoDestroy(handle C.uintptr_t) { cgo.Handle(handle).Delete() }

// SetLogger sends the library's log records to the logger, from the level on; nil: to nobody, as it is at first. Records hold no token and no
// secret; each has the part of the library that it comes from as `target`. A slow logger loses records, and is told how many; it delays nothing.
// It must not call this package.
func SetLogger(logger *slog.Logger, level slog.Level) error {
	if logger == nil {
		return takeError(C.zeebego_set_log(C.ZEEBE_LOG_LEVEL_OFF, 0))
	}
	var native C.int32_t
	switch {
	case level < slog.LevelDebug:
		native = C.ZEEBE_LOG_LEVEL_TRACE
	case level < slog.LevelInfo:
		native = C.ZEEBE_LOG_LEVEL_DEBUG
	case level < slog.LevelWarn:
		native = C.ZEEBE_LOG_LEVEL_INFO
	case level < slog.LevelError:
		native = C.ZEEBE_LOG_LEVEL_WARN
	default:
		native = C.ZEEBE_LOG_LEVEL_ERROR
	}
	handle := cgo.NewHandle(logger)
	err := takeError(C.zeebego_set_log(native, C.uintptr_t(handle)))
	if err != nil {
		handle.Delete()
	}
	return err
}

//export zeebegoLog
func zeebegoLog(handle C.uintptr_t, level C.int32_t, target, message *C.char) {
	levels := [...]slog.Level{slog.LevelInfo, slog.LevelError, slog.LevelWarn, slog.LevelInfo, slog.LevelDebug, slog.LevelDebug - 4}
	if level < 0 || int(level) >= len(levels) {
		level = 0 // one that this version does not know
	}
	logger := cgo.Handle(handle).Value().(*slog.Logger)
	logger.Log(context.Background(), levels[level], C.GoString(message), "target", C.GoString(target))
}
