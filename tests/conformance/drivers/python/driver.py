"""The conformance driver for Python: answers each line of standard input, a call as JSON, with one line of JSON that says what libzeebe made of it. It uses
the public API and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import sys
from collections.abc import Callable
from typing import Any

import libzeebe

UTILITIES: dict[str, Callable[..., str]] = {
    function.__name__: function
    for function in (
        libzeebe.get_zeebe_address,
        libzeebe.get_camunda_oauth_url,
        libzeebe.get_camunda_client_id,
        libzeebe.get_camunda_client_secret,
        libzeebe.get_camunda_cluster_id,
        libzeebe.get_camunda_cluster_region,
        libzeebe.get_camunda_token_audience,
        libzeebe.get_camunda_address,
    )
}
CONSTRUCTORS: dict[str, Callable[..., libzeebe.Channel]] = {
    function.__name__: function
    for function in (
        libzeebe.create_insecure_channel,
        libzeebe.create_secure_channel,
        libzeebe.create_oauth2_client_credentials_channel,
        libzeebe.create_camunda_cloud_channel,
    )
}
# Python has no function for this: it is what a channel makes of its options.
OPTIONS_FUNCTION = "get_channel_options"
TEXTS = ("grpc_address", "client_id", "client_secret", "cluster_id", "region", "authorization_server", "scope", "audience", "default", "cluster_region")
NONE_IS_NONE = ("scope", "audience")


class Unusable(Exception):
    """The request cannot be passed on."""


# ---- requests ----


def answer(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line.decode(), parse_constant=refused)
        json.dumps(request, ensure_ascii=False).encode()  # no half of a surrogate pair
    except (ValueError, RecursionError) as error:
        return failed(error)
    if not isinstance(request, dict):
        return failed("the request is no object")
    try:
        said = call(request)
    except Unusable as error:
        said = failed(error)
    if "id" in request:
        said["id"] = request["id"]
    return said


def refused(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def call(request: dict[str, Any]) -> dict[str, Any]:
    name, given = request.get("function"), request.get("arguments", {})
    if not isinstance(name, str) or not isinstance(given, dict):
        raise Unusable("the request names no function, or its arguments are no object")
    if name in UTILITIES:
        return result(lambda: {"returns": UTILITIES[name](**arguments(given))})
    if name == OPTIONS_FUNCTION:
        options = channel_options(given["options"]) if given.get("options") is not None else None
        return result(lambda: {"returns": described(libzeebe.create_insecure_channel(channel_options=options))["options"]})
    if name in CONSTRUCTORS:
        return result(lambda: created(CONSTRUCTORS[name](**arguments(given)), request.get("retrieve_token") is True))
    raise Unusable("the function is unknown")


def created(channel: libzeebe.Channel, retrieves: bool) -> dict[str, Any]:
    if retrieves:
        asyncio.run(retrieve(channel))
    return described(channel)


async def retrieve(channel: libzeebe.Channel) -> None:
    """Whatever the outcome: what counts is the request that the token endpoint sees."""
    with contextlib.suppress(libzeebe.ZeebeError, asyncio.TimeoutError):
        await asyncio.wait_for(channel.retrieve_token(), 10)


def arguments(given: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in given.items():
        if value is None:
            if name in NONE_IS_NONE:
                values[name] = None
        elif name in TEXTS:
            values[name] = text(value)
        elif name in ("leeway", "expire_in"):
            values[name] = number(value)
        elif name == "channel_options":
            values[name] = channel_options(value)
        else:
            raise Unusable(f"the argument {name} is unknown")
    return values


def text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise Unusable("an argument is neither a string nor a number")
    if "\0" in str(value):
        raise Unusable("a string with U+0000 cannot be passed to C")
    return str(value)


def number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or abs(value) >= 2**63:
        raise Unusable("a duration is none, or too long")
    return value


def channel_options(options: Any) -> list[tuple[str, str | int]]:
    if not isinstance(options, list):
        raise Unusable("the channel options are no list of pairs")
    for pair in options:
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
            raise Unusable("a channel option is no pair of a key and a value")
        if isinstance(pair[1], bool) or not isinstance(pair[1], (str, int)):
            raise Unusable("a channel option is neither a string nor an integer")
    return [(text(key), value) for key, value in options]


# ---- answers ----


def failed(reason: object) -> dict[str, Any]:
    return {"failed": str(reason) or "no reason"}


def result(make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return make()
    except libzeebe.ZeebeError as error:
        own = (libzeebe.SettingsError, libzeebe.InvalidOAuthCredentialsError)
        kind = type(error).__name__ if isinstance(error, own) else libzeebe.ErrorKind(error.kind).name
        return {"raises": {"type": kind, "message": error.message}}


def described(channel: libzeebe.Channel) -> dict[str, Any]:
    description = channel.describe()
    said: dict[str, Any] = {
        "target": description["target"],
        "options": [[option["key"], option["value"]] for option in description["channel_options"]],
    }
    if description["oauth2"] is not None:
        names = ("client_id", "authorization_server", "scope", "audience", "leeway", "expire_in")
        said["resolved"] = {name: description["settings"][name]["value"] for name in names}
        said["resolved"]["client_authentication"] = description["oauth2"]["client_authentication"]
    return said


def main() -> None:
    for line in sys.stdin.buffer:
        sys.stdout.write(json.dumps(answer(line.rstrip(b"\n"))) + "\n")
        sys.stdout.flush()


main()
