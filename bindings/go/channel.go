package zeebe

// #include "glue.h"
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
)

// Channel is a virtual connection to a gateway. It implements [grpc.ClientConnInterface].
type Channel struct {
	droppable
	ptr            *C.zeebe_channel
	connectAddress *string
}

var _ grpc.ClientConnInterface = (*Channel)(nil)

// NewInsecureChannel makes a channel without TLS, for a laptop. It does no I/O.
//
// A target that cannot be used makes a channel all the same: its calls end at once with InvalidArgument, and Describe shows why.
func NewInsecureChannel(options ...Option) (*Channel, error) {
	return newChannel(insecure, options, func(s *settings, memory *arena, channel **C.zeebe_channel) error {
		native := (*C.zeebe_insecure_channel_options)(memory.allocate(C.sizeof_zeebe_insecure_channel_options))
		native.size = C.sizeof_zeebe_insecure_channel_options
		native.grpc_address = memory.text("WithAddress", s.address)
		native.channel_options, native.channel_options_count = s.options(memory)
		native.connection_options = s.connection(memory)
		return memory.create(func() *C.zeebe_error { return C.zeebe_create_insecure_channel(native, channel) })
	})
}

// NewSecureChannel makes a channel with TLS, mutual TLS, or any other credentials. It does no I/O.
func NewSecureChannel(options ...Option) (*Channel, error) {
	return newChannel(secure, options, func(s *settings, memory *arena, channel **C.zeebe_channel) error {
		native := (*C.zeebe_secure_channel_options)(memory.allocate(C.sizeof_zeebe_secure_channel_options))
		native.size = C.sizeof_zeebe_secure_channel_options
		native.grpc_address = memory.text("WithAddress", s.address)
		native.channel_options, native.channel_options_count = s.options(memory)
		native.channel_credentials = s.credentials.native()
		native.connection_options = s.connection(memory)
		return memory.create(func() *C.zeebe_error { return C.zeebe_create_secure_channel(native, channel) })
	})
}

// NewOAuth2ClientCredentialsChannel makes a channel whose every call carries an OAuth2 token: Camunda 8 Self-Managed.
//
// It does no I/O, unless TokenOptions.Prefetch starts it in the background. Wrong credentials are no error here: they end the first call, or
// [Channel.RetrieveToken].
func NewOAuth2ClientCredentialsChannel(options ...Option) (*Channel, error) {
	return newChannel(oauth2, options, func(s *settings, memory *arena, channel **C.zeebe_channel) error {
		native := (*C.zeebe_oauth2_client_credentials_channel_options)(memory.allocate(C.sizeof_zeebe_oauth2_client_credentials_channel_options))
		native.grpc_address = memory.text("WithAddress", s.address)
		s.oauth2(memory, native)
		return memory.create(func() *C.zeebe_error { return C.zeebe_create_oauth2_client_credentials_channel(native, channel) })
	})
}

// NewCamundaCloudChannel makes a channel to a cluster in Camunda's cloud; ZEEBE_ADDRESS is not read. All else is as for
// [NewOAuth2ClientCredentialsChannel].
func NewCamundaCloudChannel(options ...Option) (*Channel, error) {
	return newChannel(cloud, options, func(s *settings, memory *arena, channel **C.zeebe_channel) error {
		native := (*C.zeebe_camunda_cloud_channel_options)(memory.allocate(C.sizeof_zeebe_camunda_cloud_channel_options))
		native.size = C.sizeof_zeebe_camunda_cloud_channel_options
		native.cluster_id = memory.text("WithClusterID", s.clusterID)
		native.region = memory.text("WithRegion", s.region)
		s.oauth2(memory, &native.oauth2)
		return memory.create(func() *C.zeebe_error { return C.zeebe_create_camunda_cloud_channel(native, channel) })
	})
}

// oauth2 are the options that both OAuth constructors have.
func (s *settings) oauth2(memory *arena, native *C.zeebe_oauth2_client_credentials_channel_options) {
	native.size = C.sizeof_zeebe_oauth2_client_credentials_channel_options
	native.client_id = memory.text("WithClientID", s.clientID)
	native.client_secret = memory.text("WithClientSecret", s.clientSecret)
	native.authorization_server = memory.text("WithAuthorizationServer", s.authorizationServer)
	native.scope = memory.text("WithScope", s.scope)
	native.audience = memory.text("WithAudience", s.audience)
	native.channel_credentials = s.credentials.native()
	native.channel_options, native.channel_options_count = s.options(memory)
	native.leeway = memory.leeway("WithLeeway", s.leeway)
	native.expire_in = memory.duration("WithExpireIn", s.expireIn, time.Second)
	native.token_options = s.token.native(memory)
	native.connection_options = s.connection(memory)
}

// NewChannelFromEnvironment makes one of the four channels, by the variables alone: those of the reference, and all of Camunda's official clients that a
// channel can use, in the order that docs/moving.md gives. Of those that are set and not used [Channel.Describe] says why, under unused_variables. Only
// options of the connection may be given.
func NewChannelFromEnvironment(options ...Option) (*Channel, error) {
	return newChannel(environment, options, func(s *settings, memory *arena, channel **C.zeebe_channel) error {
		native := s.connection(memory)
		return memory.create(func() *C.zeebe_error { return C.zeebe_create_channel_from_environment(native, channel) })
	})
}

func newChannel(of constructor, options []Option, create func(*settings, *arena, **C.zeebe_channel) error) (*Channel, error) {
	s, err := newSettings(of, options)
	if err != nil {
		return nil, err
	}
	var memory arena
	defer memory.free()
	// Who does the I/O is there before a channel that fetches a token ahead.
	if _, err := theQueue(); err != nil {
		return nil, err
	}
	c := &Channel{}
	err = create(s, &memory, &c.ptr)
	runtime.KeepAlive(s)
	if err != nil {
		return nil, err
	}
	c.connectAddress = s.connectAddress // not before: C has had a pointer into the channel
	// Freed only here: a goroutine may be inside a call when another one closes the channel.
	runtime.AddCleanup(c, func(ptr *C.zeebe_channel) { C.zeebe_channel_free(ptr) }, c.ptr)
	return c, nil
}

// create calls C with what the arena holds, unless an argument was refused.
func (a *arena) create(create func() *C.zeebe_error) error {
	if a.err != nil {
		return a.err
	}
	return takeError(create())
}

// ---- the end ----

// Close ends the channel at once: new calls fail, running ones end with Canceled. It returns when they have ended.
func (c *Channel) Close() error {
	return closed(c.close(context.Background(), 0))
}

// Shutdown ends the channel in order: new calls fail, running ones may end. When the context is done before they have, they are cancelled, and its error
// is returned.
func (c *Channel) Shutdown(ctx context.Context) error {
	err := c.close(ctx, -1)
	if cut := ctx.Err(); cut != nil && errors.Is(err, cut) {
		return errors.Join(err, c.Close())
	}
	return closed(err)
}

func (c *Channel) close(ctx context.Context, graceMillis C.int64_t) error {
	return c.await(ctx, func(queue *C.zeebe_completion_queue, tag C.uint64_t) *C.zeebe_error {
		return C.zeebe_channel_close_on_queue(c.ptr, graceMillis, queue, tag)
	})
}

// closed: a channel that the end of the runtime has closed needs no more.
func closed(err error) error {
	if failure := (*Error)(nil); errors.As(err, &failure) && (failure.Kind == KindShutdown || failure.Code == codes.Canceled) {
		return nil
	}
	return err
}

// ---- what it is and does ----

// Describe is the channel's settings with their origin, its options and its token's state, as JSON; no secret is in it. Its members: `version`
// 1, `kind`, `target`, `security`, `settings`, `channel_options`, `oauth2`, `problem`.
func (c *Channel) Describe() (json.RawMessage, error) {
	defer runtime.KeepAlive(c)
	var text *C.char
	if err := takeError(C.zeebe_channel_describe(c.ptr, &text)); err != nil {
		return nil, err
	}
	return json.RawMessage(takeString(text)), nil
}

// Stats is what happened since the channel was made, as JSON: calls, job streams, connections, tokens. zeebe.h says what is in it.
func (c *Channel) Stats() (json.RawMessage, error) {
	defer runtime.KeepAlive(c)
	var text *C.char
	if err := takeError(C.zeebe_channel_stats(c.ptr, &text)); err != nil {
		return nil, err
	}
	return json.RawMessage(takeString(text)), nil
}

// GetState is the channel's connectivity, as [grpc.ClientConn.GetState] says it.
func (c *Channel) GetState() connectivity.State { return c.state(0) }

// Connect leaves Idle; calls do so themselves. It does not wait.
func (c *Channel) Connect() { c.state(1) }

func (c *Channel) state(connect C.int32_t) connectivity.State {
	defer runtime.KeepAlive(c)
	var state C.int32_t
	if failure := C.zeebe_channel_get_state(c.ptr, connect, &state); failure != nil {
		C.zeebe_error_free(failure) // the runtime was shut down
		return connectivity.Shutdown
	}
	return connectivity.State(state)
}

// A wait that was given up goes on in the library, no longer than this.
const waitSlice = 10 * time.Second

// WaitForStateChange waits until the state is another than the one given; false if the context was done first. It does not connect.
func (c *Channel) WaitForStateChange(ctx context.Context, from connectivity.State) bool {
	for ctx.Err() == nil {
		if c.GetState() != from {
			return true
		}
		if from == connectivity.Shutdown {
			<-ctx.Done() // nothing follows it
			return false
		}
		// How it ended does not matter: the state is looked at again.
		_ = c.await(ctx, func(queue *C.zeebe_completion_queue, tag C.uint64_t) *C.zeebe_error {
			return C.zeebe_channel_wait_for_state_change_on_queue(c.ptr, C.int32_t(from), toWait(waitSlice), queue, tag)
		})
	}
	return false
}

// WaitReady connects, and waits until the channel is ready, through failures. It returns the context's error if that was done first, and a failure if the
// channel was closed.
func (c *Channel) WaitReady(ctx context.Context) error {
	for {
		c.Connect()
		switch state := c.GetState(); state {
		case connectivity.Ready:
			return nil
		case connectivity.Shutdown:
			return &Error{Kind: KindShutdown, Source: SourceCaller, Code: codes.Unavailable, Message: "the channel was closed", RetryAfter: -1}
		default:
			if !c.WaitForStateChange(ctx, state) {
				return c.notReady(ctx)
			}
		}
	}
}

// notReady is the context's error with the reason of the last failure.
func (c *Channel) notReady(ctx context.Context) error {
	failure := contextError(ctx)
	failure.call = false
	var stats struct {
		LastError string `json:"last_error"`
	}
	if text, err := c.Stats(); err == nil && json.Unmarshal(text, &stats) == nil && stats.LastError != "" {
		failure.Message += "; the last attempt to connect: " + stats.LastError
	}
	return failure
}

// ChannelsPrometheusText is what [Channel.Stats] says of all these channels, as Prometheus reads it (text format 0.0.4), with the labels `channel`, its place
// among them from 0, and `grpc_target`. All channels of a program in one call, in the same order each time: each metric is described once in a text.
func ChannelsPrometheusText(channels ...*Channel) (string, error) {
	defer runtime.KeepAlive(channels)
	handles := make([]*C.zeebe_channel, 0, len(channels))
	for _, channel := range channels {
		handles = append(handles, channel.ptr)
	}
	return textOf(handles, func(first **C.zeebe_channel, count C.size_t, text **C.char) *C.zeebe_error {
		return C.zeebe_channels_prometheus(first, count, text)
	})
}

// RetrieveToken fetches a token for an OAuth channel, even if there is a good one. It needs no gateway.
func (c *Channel) RetrieveToken(ctx context.Context) error {
	return c.await(ctx, func(queue *C.zeebe_completion_queue, tag C.uint64_t) *C.zeebe_error {
		return C.zeebe_channel_retrieve_token_on_queue(c.ptr, queue, tag)
	})
}

func (c *Channel) await(ctx context.Context, start func(*C.zeebe_completion_queue, C.uint64_t) *C.zeebe_error) error {
	defer runtime.KeepAlive(c)
	return await(ctx, start)
}
