package zeebe

// #include "glue.h"
import "C"

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"unsafe"

	"google.golang.org/grpc/metadata"
)

// packMetadata writes pairs as glue.h says. grpc-go leaves out what gRPC and HTTP/2 set themselves, and so does this.
func packMetadata(packed []byte, pairs metadata.MD) ([]byte, error) {
	for key, values := range pairs {
		if isReserved(key) {
			continue
		}
		if strings.IndexByte(key, 0) >= 0 {
			return nil, invalidArgument(fmt.Sprintf("the metadata key %q has a NUL character", key))
		}
		for _, value := range values {
			packed = binary.NativeEndian.AppendUint32(packed, uint32(len(key)))
			packed = binary.NativeEndian.AppendUint32(packed, uint32(len(value)))
			packed = append(packed, key...)
			packed = append(packed, 0)
			packed = append(packed, value...)
		}
	}
	return packed, nil
}

func isReserved(key string) bool {
	switch key {
	case "content-type", "user-agent", "te", "grpc-message-type", "grpc-encoding", "grpc-message", "grpc-status", "grpc-timeout":
		return true
	}
	return strings.HasPrefix(key, ":")
}

// outgoingMetadata is that of the context and of the call's credentials, packed.
func outgoingMetadata(ctx context.Context, more metadata.MD) ([]byte, error) {
	pairs, _ := metadata.FromOutgoingContext(ctx)
	if len(pairs) == 0 && len(more) == 0 {
		return nil, nil
	}
	packed, err := packMetadata(nil, pairs)
	if err == nil {
		packed, err = packMetadata(packed, more)
	}
	return packed, err
}

// unpackMetadata copies the pairs; nil if there are none.
func unpackMetadata(from *C.zeebe_metadata) metadata.MD {
	if from == nil {
		return nil
	}
	var length C.size_t
	memory := C.zeebego_pack_metadata(from, &length)
	if memory == nil {
		return nil
	}
	defer C.free(unsafe.Pointer(memory))
	packed := unsafe.Slice((*byte)(memory), length)
	pairs := metadata.MD{}
	for len(packed) > 0 {
		keyLength, valueLength := binary.NativeEndian.Uint32(packed), binary.NativeEndian.Uint32(packed[4:])
		packed = packed[8:]
		key := string(packed[:keyLength])
		packed = packed[keyLength+1:]
		pairs[key] = append(pairs[key], string(packed[:valueLength]))
		packed = packed[valueLength:]
	}
	return pairs
}
