package zeebe

// #include "glue.h"
import "C"

import (
	"math"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding"
	protoencoding "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
)

// callSettings is what the options of one call say.
type callSettings struct {
	header, trailer []*metadata.MD
	onFinish        []func(error)
	maxSend         int // negative: no limit of the call's own
	codec           codec
	perRPC          credentials.PerRPCCredentials
	authority       string
	plugin          *MetadataPlugin
	maxReceive      int64
	waitForReady    int32
	compression     int32
	maxBuffered     bufferedCallOption
	native          bool // something of what the library takes is set
}

// WithCallCredentials is a call option: the plugin adds its metadata to this call, after the channel's plugins.
func WithCallCredentials(plugin *MetadataPlugin) grpc.CallOption {
	return pluginCallOption{plugin: plugin}
}

type pluginCallOption struct {
	grpc.EmptyCallOption
	plugin *MetadataPlugin
}

// MaxBuffered is a call option of streams: so many messages that came, 1 to 100 000, and so many bytes of them, each with 256 more, may wait for RecvMsg;
// 0: the library's default, 8192 and 2 MiB. One message always may. When so much waits, the stream is read on once half of it was taken.
func MaxBuffered(messages, bytes int) grpc.CallOption {
	return bufferedCallOption{messages: messages, bytes: bytes}
}

type bufferedCallOption struct {
	grpc.EmptyCallOption
	messages, bytes int
}

// newCallSettings refuses an option that it cannot honour and that would change what is sent or received.
func newCallSettings(options []grpc.CallOption) (callSettings, error) {
	s := callSettings{maxSend: -1, codec: protoCodec}
	for _, option := range options {
		switch option := option.(type) {
		case grpc.HeaderCallOption:
			s.header = append(s.header, option.HeaderAddr)
		case grpc.TrailerCallOption:
			s.trailer = append(s.trailer, option.TrailerAddr)
		case grpc.OnFinishCallOption:
			s.onFinish = append(s.onFinish, option.OnFinish)
		case grpc.FailFastCallOption:
			s.native = true
			s.waitForReady = C.ZEEBE_WAIT_FOR_READY_YES
			if option.FailFast {
				s.waitForReady = C.ZEEBE_WAIT_FOR_READY_NO
			}
		case grpc.MaxRecvMsgSizeCallOption:
			if option.MaxRecvMsgSize < 1 {
				return s, localError(codes.InvalidArgument, "MaxCallRecvMsgSize(%d): the limit must be 1 byte or more", option.MaxRecvMsgSize)
			}
			s.native = true
			s.maxReceive = int64(option.MaxRecvMsgSize)
			if s.maxReceive > math.MaxInt32 {
				s.maxReceive = -1 // longer than a message can be: no limit
			}
		case grpc.MaxSendMsgSizeCallOption:
			s.maxSend = option.MaxSendMsgSize
		case grpc.CompressorCallOption:
			s.native = true
			switch option.CompressorType {
			case "gzip":
				s.compression = C.ZEEBE_COMPRESSION_GZIP
			case encoding.Identity, "":
				s.compression = C.ZEEBE_COMPRESSION_IDENTITY
			default:
				return s, localError(codes.InvalidArgument, "UseCompressor(%q): only gzip and identity are known", option.CompressorType)
			}
		case grpc.PerRPCCredsCallOption:
			s.perRPC = option.Creds
		case grpc.AuthorityOverrideCallOption:
			s.native = true
			s.authority = option.Authority
		case grpc.ForceCodecCallOption:
			s.codec = codec{v1: option.Codec}
		case grpc.ForceCodecV2CallOption:
			s.codec = codec{v2: option.CodecV2}
		case grpc.ContentSubtypeCallOption:
			if option.ContentSubtype != "" && option.ContentSubtype != protoencoding.Name {
				return s, localError(codes.InvalidArgument, "CallContentSubtype(%q): messages are sent as proto; ForceCodec changes how they are encoded", option.ContentSubtype)
			}
		case pluginCallOption:
			s.native = true
			s.plugin = option.plugin
		case bufferedCallOption:
			s.native = true
			s.maxBuffered = option
		case grpc.StaticMethodCallOption, grpc.MaxRetryRPCBufferSizeCallOption, grpc.PeerCallOption, grpc.EmptyCallOption:
			// Advice, or about what only grpc-go's own transport has.
		default:
			return s, localError(codes.InvalidArgument, "the call option %T is not supported over libzeebe", option)
		}
	}
	return s, nil
}

// nativeOptions is in the arena's memory; NULL: the defaults.
func (s *callSettings) nativeOptions(memory *arena) *C.zeebego_options {
	if !s.native {
		return nil
	}
	options := (*C.zeebego_options)(memory.allocate(C.sizeof_zeebego_options))
	options.authority = memory.notEmpty("the authority", s.authority)
	if s.plugin != nil {
		options.credentials = s.plugin.ptr
	}
	options.max_receive_message_length = C.int64_t(s.maxReceive)
	options.wait_for_ready = C.int32_t(s.waitForReady)
	options.compression = C.int32_t(s.compression)
	options.max_buffered_messages = C.int64_t(s.maxBuffered.messages)
	options.max_buffered_bytes = C.int64_t(s.maxBuffered.bytes)
	return options
}

// finish gives the end of a call to who asked for it.
func (s *callSettings) finish(header, trailer metadata.MD, err error) {
	s.give(header, trailer)
	s.tell(err)
}

func (s *callSettings) give(header, trailer metadata.MD) {
	for _, to := range s.header {
		*to = header
	}
	for _, to := range s.trailer {
		*to = trailer
	}
}

func (s *callSettings) tell(err error) {
	for _, tell := range s.onFinish {
		tell(err)
	}
}

// codec is one of grpc-go's two interfaces: the first, or else the second.
type codec struct {
	v1 encoding.Codec
	v2 encoding.CodecV2
}

var protoCodec = codec{v2: encoding.GetCodecV2(protoencoding.Name)}

// marshal gives a buffer that is to be freed.
func (c codec) marshal(message any) (mem.Buffer, error) {
	if c.v1 != nil {
		encoded, err := c.v1.Marshal(message)
		return mem.SliceBuffer(encoded), err
	}
	encoded, err := c.v2.Marshal(message)
	defer encoded.Free()
	return encoded.MaterializeToBuffer(mem.DefaultBufferPool()), err
}

// unmarshal gives the first kind bytes of its own, which it may keep, as grpc-go does.
func (c codec) unmarshal(data mem.BufferSlice, message any) error {
	if c.v1 != nil {
		return c.v1.Unmarshal(data.Materialize(), message)
	}
	return c.v2.Unmarshal(data, message)
}

// encode gives a message's bytes, which are to be freed; nil is an empty message, as in grpc-go.
func (s *callSettings) encode(message any) (mem.Buffer, error) {
	if message == nil {
		return mem.SliceBuffer(nil), nil
	}
	data, err := s.codec.marshal(message)
	if err != nil {
		return nil, localError(codes.Internal, "grpc: error while marshaling: %v", err)
	}
	if s.maxSend >= 0 && data.Len() > s.maxSend {
		defer data.Free()
		return nil, localError(codes.ResourceExhausted, "trying to send message larger than max (%d vs. %d)", data.Len(), s.maxSend)
	}
	return data, nil
}

// decode takes the buffers, of one message; a codec may keep the slice, and buffers that it holds by Ref.
func (s *callSettings) decode(data mem.BufferSlice, message any) error {
	defer data.Free()
	if message == nil {
		return nil
	}
	if err := s.codec.unmarshal(data, message); err != nil {
		return localError(codes.Internal, "grpc: failed to unmarshal the received message: %v", err).processed()
	}
	return nil
}
