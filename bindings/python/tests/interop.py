"""gRPC's interoperability messages (grpc.testing), and servers of them, grpc-go's and tonic's; `make interop-servers` builds them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from conftest import PATIENCE, ROOT

_FIELD = descriptor_pb2.FieldDescriptorProto
_MESSAGES: dict[str, list[tuple[str, int, Any, bool]]] = {
    "Empty": [],
    "Payload": [("body", 2, _FIELD.TYPE_BYTES, False)],
    "EchoStatus": [("code", 1, _FIELD.TYPE_INT32, False), ("message", 2, _FIELD.TYPE_STRING, False)],
    "BoolValue": [("value", 1, _FIELD.TYPE_BOOL, False)],
    "ResponseParameters": [
        ("size", 1, _FIELD.TYPE_INT32, False),
        ("interval_us", 2, _FIELD.TYPE_INT32, False),
        ("compressed", 3, "BoolValue", False),
    ],
    "SimpleRequest": [
        ("response_size", 2, _FIELD.TYPE_INT32, False),
        ("payload", 3, "Payload", False),
        ("response_compressed", 6, "BoolValue", False),
        ("response_status", 7, "EchoStatus", False),
        ("expect_compressed", 8, "BoolValue", False),
    ],
    "SimpleResponse": [("payload", 1, "Payload", False)],
    "StreamingInputCallRequest": [("payload", 1, "Payload", False), ("expect_compressed", 2, "BoolValue", False)],
    "StreamingInputCallResponse": [("aggregated_payload_size", 1, _FIELD.TYPE_INT32, False)],
    "StreamingOutputCallRequest": [
        ("response_parameters", 2, "ResponseParameters", True),
        ("payload", 3, "Payload", False),
        ("response_status", 7, "EchoStatus", False),
    ],
    "StreamingOutputCallResponse": [("payload", 1, "Payload", False)],
}


def _messages() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="interop.proto", package="grpc.testing", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, is_repeated in fields:
            label = _FIELD.LABEL_REPEATED if is_repeated else _FIELD.LABEL_OPTIONAL
            added = message.field.add(name=field, number=number, label=label)
            if isinstance(kind, str):
                added.type, added.type_name = _FIELD.TYPE_MESSAGE, f".grpc.testing.{kind}"
            else:
                added.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"grpc.testing.{name}")) for name in _MESSAGES}


messages = _messages()
SimpleRequest = messages["SimpleRequest"]
Input = messages["StreamingInputCallRequest"]
Output = messages["StreamingOutputCallRequest"]


class Stub:
    """What a generated stub of grpc.testing.TestService would be."""

    def __init__(self, channel: Any) -> None:
        def method(kind: Any, name: str, request: str, response: str, service: str = "TestService") -> Any:
            return kind(
                f"/grpc.testing.{service}/{name}",
                request_serializer=messages[request].SerializeToString,
                response_deserializer=messages[response].FromString,
            )

        self.empty = method(channel.unary_unary, "EmptyCall", "Empty", "Empty")
        self.unary = method(channel.unary_unary, "UnaryCall", "SimpleRequest", "SimpleResponse")
        self.unimplemented = method(channel.unary_unary, "UnimplementedCall", "Empty", "Empty")
        self.unimplemented_service = method(channel.unary_unary, "UnimplementedCall", "Empty", "Empty", "UnimplementedService")
        self.output = method(channel.unary_stream, "StreamingOutputCall", "StreamingOutputCallRequest", "StreamingOutputCallResponse")
        self.input = method(channel.stream_unary, "StreamingInputCall", "StreamingInputCallRequest", "StreamingInputCallResponse")
        self.duplex = method(channel.stream_stream, "FullDuplexCall", "StreamingOutputCallRequest", "StreamingOutputCallResponse")


def sized(*sizes: int, payload: int | None = None, interval_us: int = 0) -> Any:
    """A request for answers of these sizes."""
    request = Output(response_parameters=[{"size": size, "interval_us": interval_us} for size in sizes])
    if payload is not None:
        request.payload.body = bytes(payload)
    return request


GRPC_GO = ROOT / "build/interop-grpc-go"
TONIC = ROOT / "target/debug/zeebe-interop-tonic"
"""It has the compression cases alone."""


@contextmanager
def server(program: Path = GRPC_GO) -> Iterator[str]:
    """Its address."""
    process = subprocess.Popen([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    try:
        yield f"localhost:{process.stdout.readline().decode().strip()}"
    finally:
        process.stdin.close()
        process.wait(PATIENCE)
        process.stdout.close()
