"""Why a function or a call failed."""

from __future__ import annotations

import enum
from typing import Any, NamedTuple

import grpc
import grpc.aio

from ._metadata import from_native
from ._native import ffi, lib
from ._option_names import in_python

STATUS_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


class ErrorKind(enum.IntEnum):
    """What went wrong."""

    INVALID_ARGUMENT = 1
    ILLEGAL_STATE = 2
    SETTINGS = 3
    INVALID_OAUTH_CREDENTIALS = 4
    TLS = 5
    RPC = 6
    SHUTDOWN = 7
    INTERNAL = 8


class ErrorSource(enum.IntEnum):
    """Who says so."""

    CALLER = 1
    TOKEN_ENDPOINT = 2
    TRANSPORT = 3
    GATEWAY = 4
    LIBRARY = 5


class Facts(NamedTuple):
    """What is known of an error beside its text. New kinds and sources may appear: they are plain numbers then."""

    kind: int
    source: int
    is_retryable: bool = False
    """Whether the same request may succeed later."""
    may_have_been_processed: bool = False
    """False only if the gateway certainly did nothing with the call: ask before repeating what must not happen twice."""
    retry_after: float | None = None
    """Seconds that the peer asks to wait before the next try."""
    option: str | None = None
    """The option that is at fault or would help."""
    status_details: bytes = b""
    """An encoded google.rpc.Status, of `grpc-status-details-bin`."""


class ZeebeError(Exception):
    """Why a function failed."""

    def __init__(self, message: str, status: grpc.StatusCode = grpc.StatusCode.INTERNAL, facts: Facts | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.facts = facts or Facts(ErrorKind.INTERNAL, ErrorSource.LIBRARY)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.status, self.facts)

    @property
    def kind(self) -> int:
        return self.facts.kind


class SettingsError(ZeebeError):
    """A setting is missing or cannot be used."""


class InvalidOAuthCredentialsError(ZeebeError):
    """The token endpoint refused the client."""


class InvalidArgumentError(ZeebeError, ValueError):
    """An argument is malformed or out of range."""


class RpcError(grpc.aio.AioRpcError):
    """How a call ended, with what the library knows beyond gRPC: `facts`."""

    def __init__(
        self,
        code: grpc.StatusCode,
        initial_metadata: grpc.aio.Metadata | None = None,
        trailing_metadata: grpc.aio.Metadata | None = None,
        details: str | None = None,
        debug_error_string: str | None = None,
        facts: Facts | None = None,
    ) -> None:
        initial = grpc.aio.Metadata() if initial_metadata is None else initial_metadata
        trailing = grpc.aio.Metadata() if trailing_metadata is None else trailing_metadata
        super().__init__(code, initial, trailing, details, debug_error_string)
        self.facts = facts or Facts(ErrorKind.RPC, ErrorSource.LIBRARY)

    def __reduce__(self) -> tuple[Any, ...]:
        arguments = (self.code(), self.initial_metadata(), self.trailing_metadata(), self.details(), self.debug_error_string())
        return type(self), (*arguments, self.facts)


_CLASSES: dict[int, type[ZeebeError]] = {
    ErrorKind.INVALID_ARGUMENT: InvalidArgumentError,
    ErrorKind.SETTINGS: SettingsError,
    ErrorKind.INVALID_OAUTH_CREDENTIALS: InvalidOAuthCredentialsError,
}


def _text(pointer: Any) -> str:
    text: str = ffi.string(pointer).decode("utf-8", "replace")
    return text


def _facts(error: Any) -> Facts:
    kind, source = lib.zeebe_error_kind(error), lib.zeebe_error_source(error)
    option = lib.zeebe_error_option(error)
    retry_after = lib.zeebe_error_retry_after_ms(error)
    length = ffi.new("size_t *")
    details = lib.zeebe_error_details(error, length)
    return Facts(
        kind=ErrorKind(kind) if kind in ErrorKind._value2member_map_ else kind,
        source=ErrorSource(source) if source in ErrorSource._value2member_map_ else source,
        is_retryable=bool(lib.zeebe_error_is_retryable(error)),
        may_have_been_processed=bool(lib.zeebe_error_may_have_been_processed(error)),
        retry_after=None if retry_after < 0 else retry_after / 1000,
        option=in_python(_text(option)) if option else None,
        status_details=bytes(ffi.buffer(details, length[0])) if details else b"",
    )


def status_of(error: Any) -> grpc.StatusCode:
    return STATUS_CODES.get(lib.zeebe_error_grpc_status(error), grpc.StatusCode.UNKNOWN)


def function_error(error: Any) -> Exception:
    """What a function raises for a borrowed zeebe_error."""
    facts = _facts(error)
    message = in_python(_text(lib.zeebe_error_message(error)))
    return _CLASSES.get(facts.kind, ZeebeError)(message, status_of(error), facts)


def call_error(error: Any) -> RpcError:
    """How a call ended, of a borrowed zeebe_error."""
    facts = _facts(error)
    # A gateway's text is its own.
    message = _text(lib.zeebe_error_message(error))
    if facts.source != ErrorSource.GATEWAY:
        message = in_python(message)
    return RpcError(
        status_of(error),
        from_native(lib.zeebe_error_initial_metadata(error)),
        from_native(lib.zeebe_error_trailers(error)),
        message,
        f"{_name(facts.kind)} from {_name(facts.source)}: {message}",
        facts,
    )


def _name(value: int) -> str:
    return value.name if isinstance(value, enum.Enum) else str(value)


def shut_down() -> RpcError:
    """How what still runs ends with the runtime."""
    return _of_library(grpc.StatusCode.UNAVAILABLE, ErrorKind.SHUTDOWN, "the runtime was shut down")


def lost(why: BaseException) -> RpcError:
    """How that ends whose event could not be received."""
    return _of_library(grpc.StatusCode.INTERNAL, ErrorKind.INTERNAL, f"what came was not received: {type(why).__name__}: {why}")


def _of_library(code: grpc.StatusCode, kind: ErrorKind, text: str) -> RpcError:
    facts = Facts(kind, ErrorSource.LIBRARY, may_have_been_processed=True)
    return RpcError(code, details=text, debug_error_string=text, facts=facts)


def check(error: Any) -> None:
    """Raises what a function of the library returned, which is taken."""
    if error:
        try:
            raise function_error(error)
        finally:
            lib.zeebe_error_free(error)


def closed(message: str) -> grpc.aio.UsageError:
    """What grpc.aio raises when a channel is used after its end."""
    return grpc.aio.UsageError(message)
