"""grpc.aio's client interceptors around the calls of a channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Generator, Sequence
from typing import Any, cast

import grpc
import grpc.aio

from ._call import DoneCallback, Start
from ._metadata import MetadataLike

_METHODS = (
    (grpc.aio.UnaryUnaryMultiCallable, grpc.aio.UnaryUnaryClientInterceptor, "intercept_unary_unary"),
    (grpc.aio.UnaryStreamMultiCallable, grpc.aio.UnaryStreamClientInterceptor, "intercept_unary_stream"),
    (grpc.aio.StreamUnaryMultiCallable, grpc.aio.StreamUnaryClientInterceptor, "intercept_stream_unary"),
    (grpc.aio.StreamStreamMultiCallable, grpc.aio.StreamStreamClientInterceptor, "intercept_stream_stream"),
)

_Continuation = Callable[[grpc.aio.ClientCallDetails, Any], Coroutine[Any, Any, Any]]


def intercepted(method: Any, start: Start, interceptors: Sequence[grpc.aio.ClientInterceptor]) -> Any:
    """The method itself if no interceptor is for its kind."""
    kind, of_kind, name = next(row for row in _METHODS if isinstance(method, row[0]))
    chain = [getattr(one, name) for one in interceptors if isinstance(one, of_kind)]
    if not chain:
        return method
    calls: dict[Any, tuple[Any, Any]] = {
        grpc.aio.UnaryUnaryMultiCallable: (_UnaryUnary, InterceptedUnaryUnaryCall),
        grpc.aio.UnaryStreamMultiCallable: (_UnaryStream, InterceptedUnaryStreamCall),
        grpc.aio.StreamUnaryMultiCallable: (_StreamUnary, InterceptedStreamUnaryCall),
        grpc.aio.StreamStreamMultiCallable: (_StreamStream, InterceptedStreamStreamCall),
    }
    multi_callable, call = calls[kind]
    return multi_callable(method, start, chain, call)


class _Intercepted:
    """A method whose calls go through interceptors, the first of them outermost."""

    def __init__(self, method: Any, start: Start, chain: list[Any], call: Any) -> None:
        self._inner = method
        self._start = start
        self._chain = chain
        self._call = call

    def _begin(
        self,
        request: Any,
        timeout: float | None,
        metadata: MetadataLike | None,
        credentials: grpc.CallCredentials | None,
        wait_for_ready: bool | None,
        compression: grpc.Compression | None,
    ) -> Any:
        pairs = grpc.aio.Metadata(*(metadata or ()))
        # The method is bytes, whatever the stubs of types say.
        details = grpc.aio.ClientCallDetails(cast(Any, self._start.path), timeout, pairs, credentials, wait_for_ready)
        return self._call(asyncio.get_running_loop().create_task(self._through(0, compression)(details, request)))

    def _through(self, index: int, compression: grpc.Compression | None) -> _Continuation:
        async def go_on(details: grpc.aio.ClientCallDetails, request: Any) -> Any:
            if index < len(self._chain):
                return await self._intercept(self._chain[index], self._through(index + 1, compression), details, request)
            return self._method_of(details)(
                request,
                timeout=details.timeout,
                metadata=details.metadata,
                credentials=details.credentials,
                wait_for_ready=details.wait_for_ready,
                compression=compression,
            )

        return go_on

    async def _intercept(self, interceptor: Any, inner: _Continuation, details: grpc.aio.ClientCallDetails, request: Any) -> Any:
        """What it gives. As in grpc.aio, an iterator of responses is made a call, which is the last one that the interceptor made in all else."""
        last: Any = None

        async def go_on(details: grpc.aio.ClientCallDetails, request: Any) -> Any:
            nonlocal last
            last = await inner(details, request)
            return last

        made = await interceptor(go_on, details, request)
        if isinstance(made, grpc.aio.Call) or not (isinstance(last, grpc.aio.Call) and issubclass(self._call, _ManyResponses)):
            return made
        of = asyncio.get_running_loop().create_future()
        of.set_result(last)
        return self._call(of, made)

    def _method_of(self, details: grpc.aio.ClientCallDetails) -> Any:
        path: str | bytes = details.method
        start = self._start
        if path in (start.path, start.method):
            return self._inner
        return type(self._inner)(Start(start.channel, path, start.serializer, start.deserializer))


class _OneRequest(_Intercepted):
    def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,
        metadata: MetadataLike | None = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> Any:
        return self._begin(request, timeout, metadata, credentials, wait_for_ready, compression)


class _ManyRequests(_Intercepted):
    def __call__(
        self,
        request_iterator: Any = None,
        timeout: float | None = None,
        metadata: MetadataLike | None = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> Any:
        written = None if request_iterator is not None else _Written()
        call = self._begin(request_iterator if written is None else written.iterate(), timeout, metadata, credentials, wait_for_ready, compression)
        if written is not None:
            call.writes(written)
        return call


class _UnaryUnary(_OneRequest, grpc.aio.UnaryUnaryMultiCallable):  # type: ignore[type-arg]
    pass


class _UnaryStream(_OneRequest, grpc.aio.UnaryStreamMultiCallable):  # type: ignore[type-arg]
    pass


class _StreamUnary(_ManyRequests, grpc.aio.StreamUnaryMultiCallable):  # type: ignore[type-arg]
    pass


class _StreamStream(_ManyRequests, grpc.aio.StreamStreamMultiCallable):  # type: ignore[type-arg]
    pass


_FINISHED = "RPC already finished."


class _Written:
    """What the program writes, as the iterator that interceptors get. One request waits there; who writes another waits, until the call's end."""

    def __init__(self) -> None:
        self._requests: asyncio.Queue[tuple[Any] | None] = asyncio.Queue()
        self._is_done = self._is_ended = False
        self._writers: list[asyncio.Future[None]] = []

    async def iterate(self) -> AsyncIterator[Any]:
        while (request := await self._requests.get()) is not None:
            self._wake()
            yield request[0]

    async def write(self, request: Any) -> None:
        while not (self._is_ended or self._is_done or self._requests.empty()):
            writer = asyncio.get_running_loop().create_future()
            self._writers.append(writer)
            await writer
        if self._is_ended:
            raise asyncio.InvalidStateError(_FINISHED)
        if self._is_done:
            raise asyncio.InvalidStateError('RPC is half closed after calling "done_writing".')
        self._requests.put_nowait((request,))

    def done(self) -> None:
        if not self._is_done:
            self._is_done = True
            self._requests.put_nowait(None)
            self._wake()

    def end_with(self, making: asyncio.Future[Any]) -> None:
        """Once the call was made, or not: nobody reads after its end."""
        call = _result_of(making)
        if isinstance(call, grpc.aio.Call):
            call.add_done_callback(lambda _: self._end())
        else:
            self._end()

    def _end(self) -> None:
        self._is_ended = True
        self._wake()

    def _wake(self) -> None:
        writers, self._writers = self._writers, []
        for writer in writers:
            if not writer.done():
                writer.set_result(None)


def _result_of(making: asyncio.Future[Any]) -> Any:
    """The call, or a response; None: not yet, or there is none."""
    return making.result() if making.done() and not making.cancelled() and making.exception() is None else None


class InterceptedCall:
    """A call that interceptors make: until they have, it is theirs."""

    _written: _Written | None = None

    def __init__(self, making: asyncio.Future[Any]) -> None:
        self._making = making

    def writes(self, written: _Written) -> None:
        self._written = written
        self._making.add_done_callback(written.end_with)

    def _made(self) -> Any:
        return _result_of(self._making)

    async def _call(self) -> Any:
        try:
            return await asyncio.shield(self._making)
        except asyncio.CancelledError:
            self.cancel()
            raise

    def cancelled(self) -> bool:
        made = self._made()
        if isinstance(made, grpc.aio.Call):
            return made.cancelled()
        return self._making.cancelled()

    def done(self) -> bool:
        made = self._made()
        return made.done() if isinstance(made, grpc.aio.Call) else self._making.done()

    def cancel(self) -> bool:
        made = self._made()
        return made.cancel() if isinstance(made, grpc.aio.Call) else self._making.cancel()

    def time_remaining(self) -> float | None:
        made = self._made()
        return made.time_remaining() if isinstance(made, grpc.aio.Call) else None

    def add_done_callback(self, callback: DoneCallback) -> None:
        def made(_: asyncio.Future[Any]) -> None:
            call = self._made()
            if isinstance(call, grpc.aio.Call):
                call.add_done_callback(lambda _: callback(self))
            else:
                callback(self)

        self._making.add_done_callback(made)

    async def initial_metadata(self) -> grpc.aio.Metadata:
        failure = await self._failure()
        if failure is not None:
            return failure.initial_metadata() or grpc.aio.Metadata()
        made = self._made()
        return await made.initial_metadata() if isinstance(made, grpc.aio.Call) else grpc.aio.Metadata()

    async def trailing_metadata(self) -> grpc.aio.Metadata:
        failure = await self._failure()
        if failure is not None:
            return failure.trailing_metadata() or grpc.aio.Metadata()
        made = self._made()
        return await made.trailing_metadata() if isinstance(made, grpc.aio.Call) else grpc.aio.Metadata()

    async def code(self) -> grpc.StatusCode:
        failure = await self._failure()
        if failure is not None:
            return failure.code()
        made = self._made()
        return await made.code() if isinstance(made, grpc.aio.Call) else grpc.StatusCode.OK

    async def details(self) -> str:
        failure = await self._failure()
        if failure is not None:
            return failure.details() or ""
        made = self._made()
        return await made.details() if isinstance(made, grpc.aio.Call) else ""

    async def _failure(self) -> grpc.aio.AioRpcError | None:
        """How it ended, if an interceptor raised that."""
        try:
            await self._call()
        except grpc.aio.AioRpcError as error:
            return error
        return None

    async def wait_for_connection(self) -> None:
        made = await self._call()
        if isinstance(made, grpc.aio.Call):
            await made.wait_for_connection()


class _OneResponse(InterceptedCall):
    def __await__(self) -> Generator[Any, None, Any]:
        return self._result().__await__()

    async def _result(self) -> Any:
        made = await self._call()
        if not isinstance(made, grpc.aio.Call):
            return made
        return await made  # type: ignore[misc]


class _ManyResponses(InterceptedCall):
    _iterator: AsyncIterator[Any] | None = None

    def __init__(self, making: asyncio.Future[Any], responses: AsyncIterable[Any] | None = None) -> None:
        """The responses that an interceptor gives in the place of the call's."""
        super().__init__(making)
        self._given = responses

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._responses()

    async def _responses(self) -> AsyncIterator[Any]:
        async for response in await self._source():
            yield response

    async def _source(self) -> Any:
        made = await self._call()
        return made if self._given is None else self._given

    async def read(self) -> Any:
        source = await self._source()
        if hasattr(source, "read"):
            return await source.read()
        if self._iterator is None:
            self._iterator = aiter(source)
        return await anext(self._iterator, grpc.aio.EOF)


class _Writes(InterceptedCall):
    async def write(self, request: Any) -> None:
        await self._by_hand().write(request)

    async def done_writing(self) -> None:
        self._by_hand().done()

    def _by_hand(self) -> _Written:
        if self._written is None:
            raise grpc.aio.UsageError("The iterator and read/write APIs may not be mixed on a single RPC.")
        if self.done():
            raise asyncio.InvalidStateError(_FINISHED)
        return self._written


class InterceptedUnaryUnaryCall(_OneResponse, grpc.aio.UnaryUnaryCall):  # type: ignore[type-arg]
    pass


class InterceptedUnaryStreamCall(_ManyResponses, grpc.aio.UnaryStreamCall):  # type: ignore[type-arg]
    pass


class InterceptedStreamUnaryCall(_Writes, _OneResponse, grpc.aio.StreamUnaryCall):  # type: ignore[type-arg]
    pass


class InterceptedStreamStreamCall(_Writes, _ManyResponses, grpc.aio.StreamStreamCall):  # type: ignore[type-arg]
    pass
