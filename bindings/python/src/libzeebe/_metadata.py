"""Metadata between grpc.aio's form and the library's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Union

import grpc.aio

from ._native import ffi, lib

MetadataValue = Union[str, bytes]
MetadataLike = Union[grpc.aio.Metadata, Sequence[tuple[str, MetadataValue]]]


def from_native(metadata: Any) -> grpc.aio.Metadata:
    """Of borrowed metadata; values of `-bin` keys are bytes, all others text."""
    pairs = grpc.aio.Metadata()
    length = ffi.new("size_t *")
    for index in range(lib.zeebe_metadata_count(metadata)):
        key: str = ffi.string(lib.zeebe_metadata_key(metadata, index)).decode("ascii")
        value = bytes(ffi.buffer(lib.zeebe_metadata_value(metadata, index, length), length[0]))
        pairs.add(key, value if key.endswith("-bin") else value.decode("utf-8", "surrogateescape"))
    return pairs
