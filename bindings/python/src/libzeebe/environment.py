"""What the environment says, as the channel functions read it: pyzeebe's eight functions.

An empty variable, and an empty default, count as not given.
"""

from __future__ import annotations

from typing import Any

from ._arguments import Arguments
from ._native import ffi, lib
from .errors import check


def _get(function: Any, *arguments: tuple[str, str | None]) -> str:
    memory = Arguments()
    out = ffi.new("char **")
    check(function(*(memory.text(name, value) for name, value in arguments), out))
    try:
        return str(ffi.string(out[0]).decode())
    finally:
        lib.zeebe_string_free(out[0])


def get_zeebe_address(default: str | None = None) -> str:
    """`ZEEBE_ADDRESS`, else the default, else `localhost:26500`."""
    return _get(lib.zeebe_get_zeebe_address, ("default", default))


def get_camunda_oauth_url(default: str | None = None) -> str:
    """`CAMUNDA_OAUTH_URL`, else `ZEEBE_AUTHORIZATION_SERVER_URL`, else the default. SettingsError: none of them is given."""
    return _get(lib.zeebe_get_camunda_oauth_url, ("default", default))


def get_camunda_client_id() -> str:
    """`CAMUNDA_CLIENT_ID`, else `ZEEBE_CLIENT_ID`. SettingsError: neither is given."""
    return _get(lib.zeebe_get_camunda_client_id)


def get_camunda_client_secret() -> str:
    """`CAMUNDA_CLIENT_SECRET`, else `ZEEBE_CLIENT_SECRET`. SettingsError: neither is given."""
    return _get(lib.zeebe_get_camunda_client_secret)


def get_camunda_cluster_id() -> str:
    """`CAMUNDA_CLUSTER_ID`. SettingsError: it is not given."""
    return _get(lib.zeebe_get_camunda_cluster_id)


def get_camunda_cluster_region(default: str | None = None) -> str:
    """`CAMUNDA_CLUSTER_REGION`, else the default. SettingsError: neither is given."""
    return _get(lib.zeebe_get_camunda_cluster_region, ("default", default))


def get_camunda_token_audience(default: str | None = None) -> str:
    """`CAMUNDA_TOKEN_AUDIENCE`, else `ZEEBE_TOKEN_AUDIENCE`, else the default. SettingsError: none of them is given."""
    return _get(lib.zeebe_get_camunda_token_audience, ("default", default))


def get_camunda_address(cluster_id: str | None = None, cluster_region: str | None = None) -> str:
    """The address of a cluster in Camunda's cloud. SettingsError: one of the two is not given."""
    return _get(lib.zeebe_get_camunda_address, ("cluster_id", cluster_id), ("cluster_region", cluster_region))
