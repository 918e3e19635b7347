"""Arguments as C has them, which live as long as the object that made them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from ._metadata import MetadataLike
from ._native import ffi, lib
from .errors import check

UNSET = "UNSET"
"""pyzeebe's word for an argument that is not given."""


class Arguments:
    def __init__(self) -> None:
        self._kept: list[Any] = []

    def keep(self, value: Any) -> Any:
        self._kept.append(value)
        return value

    def struct(self, name: str, **fields: Any) -> Any:
        """A pointer to an options struct; what is not given is 0 and NULL."""
        fields["size"] = ffi.sizeof(name)
        return self.keep(ffi.new(f"{name} *", fields))

    def text(self, name: str, value: str | None) -> Any:
        if value is None or value == UNSET:
            return ffi.NULL
        if not isinstance(value, str):
            raise TypeError(f"{name} must be text, not {type(value).__name__}")
        if "\0" in value:
            raise ValueError(f"{name} has a NUL character")
        return self.keep(ffi.new("char[]", value.encode()))

    def text_or_none(self, name: str, value: str | None) -> Any:
        """Of an argument whose None says that there is none, whatever the environment has."""
        return self.text(name, "" if value is None else value)

    def named(self, **values: str | None) -> dict[str, Any]:
        """Fields, each as text()."""
        return {name: self.text(name, value) for name, value in values.items()}

    def named_or_none(self, **values: str | None) -> dict[str, Any]:
        return {name: self.text_or_none(name, value) for name, value in values.items()}

    def pem(self, name: str, value: str | bytes | None) -> Any:
        if isinstance(value, bytes):
            if b"\0" in value:
                raise ValueError(f"{name} has a NUL character")
            return self.keep(ffi.new("char[]", value))
        return self.text(name, value)

    def texts(self, name: str, values: Sequence[str] | None) -> tuple[Any, int]:
        if values is None:
            return ffi.NULL, 0
        if isinstance(values, str):
            raise TypeError(f"{name} is a list of texts, not one")
        texts = [self.text(name, value) for value in values]
        return self.keep(ffi.new("char *[]", texts)), len(texts)

    def channel_options(self, options: Iterable[tuple[str, Any]] | None) -> tuple[Any, int]:
        if options is None:
            return ffi.NULL, 0
        natives = []
        for key, value in options:
            name = f"the channel option {key}"
            if isinstance(value, bytes):
                value = value.decode()
            if isinstance(value, str):
                natives.append({"key": self.text("a key of channel_options", key), "string": self.exact_text(name, value)})
            elif isinstance(value, int):
                if not -(2**63) <= value < 2**63:
                    raise ValueError(f"{name} is out of range: {value}")
                natives.append({"key": self.text("a key of channel_options", key), "integer": int(value)})
            else:
                raise TypeError(f"{name} must be text or an integer, not {type(value).__name__}")
        return self.keep(ffi.new("zeebe_channel_option[]", natives)), len(natives)

    def metadata(self, metadata: MetadataLike | None) -> Any:
        if not metadata:
            return ffi.NULL
        out = ffi.new("zeebe_metadata **")
        check(lib.zeebe_metadata_new(out))
        native = self.keep(ffi.gc(out[0], lib.zeebe_metadata_free))
        for key, value in metadata:
            if not isinstance(key, str) or not isinstance(value, (str, bytes)):
                raise TypeError(f"metadata is pairs of text and text or bytes, not ({key!r}, a {type(value).__name__})")
            if "\0" in key:
                raise ValueError(f"a metadata key has a NUL character: {key!r}")
            encoded = value.encode() if isinstance(value, str) else value
            check(lib.zeebe_metadata_add(native, key.encode(), encoded, len(encoded)))
        return native

    def exact_text(self, name: str, value: str) -> Any:
        if "\0" in value:
            raise ValueError(f"{name} has a NUL character")
        return self.keep(ffi.new("char[]", value.encode()))


def rounded_up(name: str, value: float | None, units: int = 1) -> int:
    """Seconds in so many parts of a second, rounded up; None: 0, not given. One that is given must be more than that."""
    if value is None:
        return 0
    number = whole(name, value, units)
    if number <= 0:
        raise ValueError(f"{name} must be more than 0, not {value}")
    return number


def whole(name: str, value: float, units: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}")
    if not math.isfinite(value) or not -(2**63) <= value * units < 2**63:
        raise ValueError(f"{name} is out of range: {value}")
    return value * units if isinstance(value, int) else math.ceil(value * units)


class _Default(int):
    """An argument's default that can be told from one that is given."""


DEFAULT_LEEWAY: int = _Default(60)


def leeway(value: float) -> int:
    """In C 0 is not given."""
    if value is DEFAULT_LEEWAY:
        return 0
    if value == 0:
        return int(lib.ZEEBE_LEEWAY_NONE)
    seconds = whole("leeway", value)
    # -1 would be C's word for none.
    return min(seconds, -2) if value < 0 else seconds


def expire_in(value: float | None) -> int:
    """In C 0 is not given, here None."""
    if not value:
        return 0
    seconds = whole("expire_in", value)
    return min(seconds, -1) if value < 0 else seconds
