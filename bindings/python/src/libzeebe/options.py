"""Options that pyzeebe does not have."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

from ._arguments import Arguments, rounded_up
from ._metadata import MetadataLike
from ._native import lib


class ClientAuthentication(enum.IntEnum):
    """How the client proves who it is to the token endpoint."""

    DEFAULT = 0
    """BASIC, as pyzeebe; BODY for Camunda's cloud and create_channel_from_environment()."""
    BASIC = 1
    """HTTP Basic of id and secret as they are."""
    BASIC_RFC6749 = 2
    """HTTP Basic of id and secret, each form-encoded first."""
    BODY = 3
    """`client_id` and `client_secret` in the body."""
    PRIVATE_KEY_JWT = 4
    """An assertion that `private_key` signs (RFC 7523)."""
    TLS = 5
    """`client_id` in the body, and `certificate_chain` on the TLS connection (RFC 8705)."""


@dataclass(frozen=True, repr=False)
class TokenOptions:
    """How the token endpoint is asked. Certificates are PEM text, not paths."""

    client_authentication: ClientAuthentication = ClientAuthentication.DEFAULT
    # An http:// URL beyond loopback is allowed: the secret can be read on the way.
    allow_insecure_token_url: bool = False
    # The token is fetched when the channel is made, in the background.
    prefetch: bool = False
    # Seconds until the endpoint, or its proxy, is connected: else ten seconds.
    connect_timeout: float | None = None
    # Seconds for the whole request: else thirty seconds.
    timeout: float | None = None
    # Roots that the endpoint's certificate is checked against: else the platform's.
    token_ca: str | bytes | None = None
    # The client's own key, a secret.
    private_key: str | bytes | None = None
    # Shown on the TLS connection to the endpoint.
    certificate_chain: str | bytes | None = None
    # `kid` of an assertion.
    key_id: str | None = None
    # `aud` of an assertion: else the token URL.
    assertion_audience: str | None = None
    # Of a chain that ends in a root, the root is shown, too.
    send_root_certificate: bool = False
    # `http://[user:password@]host:port`: else by the environment.
    http_proxy: str | None = None
    # A file that tokens are kept in, for other processes and for the next start.
    cache_path: str | None = None

    def native(self, memory: Arguments) -> Any:
        return memory.struct(
            "zeebe_token_options",
            client_authentication=int(self.client_authentication),
            allow_insecure_token_url=int(self.allow_insecure_token_url),
            prefetch=int(self.prefetch),
            connect_timeout_ms=rounded_up("TokenOptions.connect_timeout", self.connect_timeout, 1000),
            timeout_ms=rounded_up("TokenOptions.timeout", self.timeout, 1000),
            token_ca=memory.pem("TokenOptions.token_ca", self.token_ca),
            private_key=memory.pem("TokenOptions.private_key", self.private_key),
            certificate_chain=memory.pem("TokenOptions.certificate_chain", self.certificate_chain),
            key_id=memory.text("TokenOptions.key_id", self.key_id),
            http_proxy=memory.text("TokenOptions.http_proxy", self.http_proxy),
            cache_path=memory.text("TokenOptions.cache_path", self.cache_path),
            assertion_audience=memory.text("TokenOptions.assertion_audience", self.assertion_audience),
            send_root_certificate=int(self.send_root_certificate),
        )


@dataclass(frozen=True)
class ConnectionOptions:
    """How a channel connects, and what every call of it starts from."""

    # `host:port` or `unix:path` to dial in place of the target's address; TLS name and authority stay the target's.
    connect_address: str | None = None
    # Sent with every call. Not shown: it may hold a secret.
    metadata: MetadataLike | None = field(default=None, repr=False)
    # Seconds for every call that does not set its own: else none.
    timeout: float | None = None
    # Of every call that does not set its own.
    wait_for_ready: bool = False
    # Tokens may be sent in plaintext beyond loopback, where they can be read on the way.
    allow_insecure_gateway: bool = False
    # So many calls wait for a connection, or for a stream where the gateway allows no more; others fail at once with RESOURCE_EXHAUSTED. -1: no limit, as
    # in gRPC; 0: the library's default, 4096.
    max_waiting_calls: int = -1

    def native(self, memory: Arguments) -> Any:
        return memory.struct(
            "zeebe_connection_options",
            connect_address=memory.text("ConnectionOptions.connect_address", self.connect_address),
            metadata=memory.metadata(self.metadata),
            timeout_ms=rounded_up("ConnectionOptions.timeout", self.timeout, 1000),
            wait_for_ready=lib.ZEEBE_WAIT_FOR_READY_YES if self.wait_for_ready else lib.ZEEBE_WAIT_FOR_READY_DEFAULT,
            allow_insecure_gateway=int(self.allow_insecure_gateway),
            max_waiting_calls=self.max_waiting_calls,
        )
