"""Credentials of channels and calls: gRPC's own, read for the library, and pyzeebe's two metadata plugins, on the library's tokens."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections.abc import Callable
from typing import Any, cast

import grpc

from ._arguments import DEFAULT_LEEWAY, Arguments
from ._arguments import expire_in as whole_expire_in
from ._arguments import leeway as whole_leeway
from ._metadata import from_native
from ._native import ffi, lib
from ._plugins import NativePlugin, plugins_of, unreadable
from .errors import InvalidArgumentError, check, function_error
from .options import TokenOptions

# ---- channels ----


class ChannelCredentials:
    """What native_credentials() made of gRPC's."""

    def __init__(self, native: Any, foreign: tuple[grpc.AuthMetadataPlugin, ...] = ()) -> None:
        self.native = native
        self.foreign = foreign
        """Plugins that the library has not."""


def native_credentials(credentials: grpc.ChannelCredentials) -> ChannelCredentials:
    """The library's, of what grpc.ssl_channel_credentials(), local_channel_credentials() and composite_channel_credentials() make."""
    inner = getattr(credentials, "_credentials", None)
    try:
        return _native(inner)
    except AttributeError as error:
        raise _unreadable(inner) from error


def _unreadable(inner: Any) -> TypeError:
    return unreadable(
        "channel_credentials must be made with grpc.ssl_channel_credentials(), grpc.local_channel_credentials() or "
        f"grpc.composite_channel_credentials(); these are {type(inner).__name__}",
        "give none: the roots are the platform's then, or with create_channel_from_environment() those of CAMUNDA_CA_CERTIFICATE_PATH",
    )


def _native(inner: Any) -> ChannelCredentials:
    kind = type(inner).__name__
    if kind == "SSLChannelCredentials":
        if getattr(inner, "_private_key_signer", None) is not None:
            raise TypeError("channel_credentials with a custom private-key signer cannot be used")
        memory = Arguments()
        options = memory.struct(
            "zeebe_ssl_channel_credentials_options",
            root_certificates=memory.pem("root_certificates", inner._pem_root_certificates),
            private_key=memory.pem("private_key", inner._private_key),
            certificate_chain=memory.pem("certificate_chain", inner._certificate_chain),
        )
        return ChannelCredentials(_made(lib.zeebe_ssl_channel_credentials_new, options))
    if kind == "LocalChannelCredentials":
        return ChannelCredentials(_made(lib.zeebe_local_channel_credentials_new))
    if kind == "InsecureChannelCredentials":
        return ChannelCredentials(_made(lib.zeebe_insecure_channel_credentials_new))
    if kind == "CompositeChannelCredentials":
        base = _native(inner._channel_credentials)
        foreign = list(base.foreign)
        native = base.native
        for call in inner._call_credentialses:
            for plugin in plugins_of(grpc.CallCredentials(call)):
                if isinstance(plugin, NativePlugin):
                    native = _made(lib.zeebe_composite_channel_credentials_new, native, plugin.native)
                else:
                    foreign.append(plugin)
        return ChannelCredentials(native, tuple(foreign))
    raise _unreadable(inner)


def _made(function: Any, *arguments: Any) -> Any:
    out = ffi.new("zeebe_channel_credentials **")
    check(function(*arguments, out))
    return ffi.gc(out[0], lib.zeebe_channel_credentials_free)


# ---- plugins ----


class _Plugin(NativePlugin):
    """A plugin of the library's. On a channel of this package the library asks it itself; on one of grpcio's, gRPC calls it."""

    def __init__(self, native: Any) -> None:
        self.native = ffi.gc(native, lib.zeebe_metadata_plugin_free)

    def __call__(self, context: grpc.AuthMetadataContext, callback: grpc.AuthMetadataPluginCallback) -> None:
        def start(queue: Any) -> Any:
            # A test's mock has no texts.
            service_url, method_name = str(context.service_url).encode(), str(context.method_name).encode()
            return lib.zeebe_metadata_plugin_get_metadata_on_queue(self.native, service_url, method_name, queue, 0)

        try:
            metadata = _blocking(start)
        except Exception as error:
            callback((), error)
        else:
            callback(tuple(metadata), None)

    def is_token_expired(self) -> bool:
        """Whether a call would need a new token now."""
        expired = ffi.new("int32_t *")
        check(lib.zeebe_metadata_plugin_is_token_expired(self.native, expired))
        return bool(expired[0])

    def retrieve_token(self) -> None:
        """Fetches a token, even if there is a good one, and blocks until it is there: not for an event loop's thread."""
        _blocking(lambda queue: lib.zeebe_metadata_plugin_retrieve_token_on_queue(self.native, queue, 0))


def _blocking(start: Callable[[Any], Any]) -> Any:
    """Waits for the one event of what is started, without holding Python up; its metadata, or its error raised."""
    out = ffi.new("zeebe_completion_queue **")
    check(lib.zeebe_completion_queue_new(out))
    queue = ffi.gc(out[0], lib.zeebe_completion_queue_free)
    check(start(queue))
    event, count = ffi.new("zeebe_event *"), ffi.new("size_t *")
    check(lib.zeebe_completion_queue_next(queue, -1, event, ffi.sizeof("zeebe_event"), 1, count))
    try:
        if event.error:
            raise function_error(event.error)
        return from_native(event.metadata)
    finally:
        lib.zeebe_events_clear(event, ffi.sizeof("zeebe_event"), 1)


class Oauth2ClientCredentialsMetadataPlugin(_Plugin):
    """Authenticates with the client credentials grant. It reads no environment, and asks for no token before one is needed.

    The client is authenticated with HTTP Basic unless `token_options` say otherwise. InvalidArgumentError: an id, secret or URL is missing.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        authorization_server: str,
        scope: str | None = None,
        audience: str | None = None,
        leeway: int = DEFAULT_LEEWAY,
        expire_in: int | None = None,
        *,
        token_options: TokenOptions | None = None,
    ) -> None:
        memory = Arguments()
        options = memory.struct(
            "zeebe_oauth2_client_credentials_metadata_plugin_options",
            **memory.named(client_id=client_id, client_secret=client_secret, authorization_server=authorization_server, scope=scope, audience=audience),
            leeway=whole_leeway(leeway),
            expire_in=whole_expire_in(expire_in),
            token_options=token_options.native(memory) if token_options else ffi.NULL,
        )
        out = ffi.new("zeebe_metadata_plugin **")
        check(lib.zeebe_oauth2_client_credentials_metadata_plugin_new(options, out))
        super().__init__(out[0])


class OAuth2MetadataPlugin(_Plugin):
    """Authenticates with tokens that a function of the program's fetches: at most one at a time, on a thread, when a call needs one.

    The function returns a dict with `access_token` and, if it is known, `expires_in`, as `OAuth2Session.fetch_token` does. What it raises ends the
    calls that wait for it with UNAVAILABLE. `oauth2session` is not used; pyzeebe has it there.
    """

    def __init__(
        self,
        oauth2session: Any,
        func_retrieve_token: Callable[[], dict[str, Any]],
        leeway: int = DEFAULT_LEEWAY,
        expire_in: int | None = None,
    ) -> None:
        if not callable(func_retrieve_token):
            raise InvalidArgumentError("func_retrieve_token must be a function that returns a token", grpc.StatusCode.INVALID_ARGUMENT)
        self._oauth = oauth2session
        super().__init__(_sources.plugin(func_retrieve_token, whole_leeway(leeway), whole_expire_in(expire_in)))


class _Sources:
    """The token sources of the process. The library never calls Python: it puts requests aside, and a thread of ours has each answered on its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mailbox: Any = None
        self._ids = itertools.count(1)
        self._functions: dict[int, Callable[[], dict[str, Any]]] = {}

    def plugin(self, function: Callable[[], dict[str, Any]], leeway: int, expire_in: int) -> Any:
        with self._lock:
            if self._mailbox is None:
                self._mailbox = self._new_mailbox()
        number = next(self._ids)
        self._functions[number] = function
        plugin = ffi.new("zeebe_metadata_plugin **")
        try:
            check(lib.zeebepy_token_plugin_new(self._mailbox, number, leeway, expire_in, plugin))
            if not plugin[0]:
                raise MemoryError
        except BaseException:
            del self._functions[number]
            raise
        return plugin[0]

    def _new_mailbox(self) -> Any:
        """One whose requests are read."""
        out = ffi.new("zeebe_completion_queue **")
        check(lib.zeebe_completion_queue_new(out))
        mailbox = ffi.new("zeebepy_mailbox *", {"queue": out[0]})
        try:
            threading.Thread(target=self._read, args=(mailbox,), name="zeebe-tokens", daemon=True).start()
        except BaseException:
            lib.zeebe_completion_queue_free(out[0])
            raise
        return mailbox

    def _read(self, mailbox: Any) -> None:
        event, count = ffi.new("zeebe_event *"), ffi.new("size_t *")
        number, ended = ffi.new("uint64_t *"), ffi.new("int32_t *")
        while True:
            error = lib.zeebe_completion_queue_next(mailbox.queue, -1, event, ffi.sizeof("zeebe_event"), 1, count)
            if error:
                lib.zeebe_error_free(error)  # the runtime was shut down
                kept.append(mailbox)  # a plugin that ends later names it
                with self._lock:
                    if self._mailbox is mailbox:
                        self._mailbox = None
                return
            request = lib.zeebepy_mailbox_take(mailbox, number, ended)
            if ended[0]:
                self._functions.pop(number[0], None)
            elif request:
                self._answer_on_a_thread(ffi.gc(request, lib.zeebe_token_request_free), self._functions[number[0]])

    @staticmethod
    def _answer_on_a_thread(request: Any, function: Callable[[], dict[str, Any]]) -> None:
        # At the end of the interpreter no thread begins: then nobody waits for a token.
        with contextlib.suppress(RuntimeError):
            threading.Thread(target=_answer, args=(request, function), name="zeebe-token", daemon=True).start()

    def after_fork(self) -> None:
        """The thread is the parent's, and so are its plugins."""
        kept.append(self._mailbox)  # C of the parent's may name it
        self.__init__()  # type: ignore[misc]


kept: list[Any] = []


def _answer(request: Any, function: Callable[[], dict[str, Any]]) -> None:
    try:
        token = function()
        memory = Arguments()
        native = memory.struct(
            "zeebe_token",
            access_token=memory.text("access_token", token["access_token"]),
            scope=memory.text("scope", _scope(token.get("scope"))),
            expires_in=_lifetime(token.get("expires_in")),
        )
        check(lib.zeebe_token_request_complete(request, native))
    except Exception as error:
        # What an exception says may be a secret: its kind is said, and the program has the rest.
        message = f"func_retrieve_token: {type(error).__name__}"
        failed = lib.zeebe_token_request_fail(request, lib.ZEEBE_STATUS_UNAVAILABLE, message.encode(), -1)
        lib.zeebe_error_free(failed)


def _scope(scope: Any) -> str | None:
    """oauthlib gives a list."""
    if isinstance(scope, (list, tuple, set)):
        return " ".join(str(one) for one in scope)
    return cast("str | None", scope)


def _lifetime(expires_in: Any) -> int:
    try:
        seconds = int(float(expires_in))
    except (TypeError, ValueError, OverflowError):
        return 0
    return seconds if seconds > 0 else -1


_sources = _Sources()
os.register_at_fork(after_in_child=_sources.after_fork)
