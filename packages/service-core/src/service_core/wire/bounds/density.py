"""Whether the values of a request may take far more memory than its bytes, estimated without making them.

A number or a short text of a few bytes is some tens of bytes of memory, and a list, a map or what is made of it some
hundreds. The estimate is an upper one, by what CPython and pydantic need for values of the declared types. Bytes within
texts are counted as values, too: the distinction takes as long as the check of the request, which follows.
"""

from __future__ import annotations

from typing import Final

__all__ = ["json_is_dense", "msgpack_is_dense"]

_BYTES_PER_BYTE: Final = 16
"""From how much memory for each byte on a text is dense."""
_OF_CONTAINER: Final = 600
"""Bytes of a model or dataclass with few fields, and of the map that it is read from."""
_OF_JSON_VALUE: Final = 100
"""Bytes of a number or a short text, and of its place while JSON is parsed."""
_OF_MSGPACK_VALUE: Final = 80
"""The same without that place; numbers of one byte need none."""
_FEW: Final = 20
"""With more values than this for each list or map they may be the items of sets, which take more."""

_NO_HEADS: Final = bytes({*range(0x80), *range(0xE0, 0x100)})
_NO_CONTAINERS: Final = bytes(set(range(256)).difference({*range(0x80, 0xA0), *range(0xDC, 0xE0)}))


def json_is_dense(data: bytes) -> bool:
    """Whether values in JSON may need more than 16 times its bytes."""
    containers = data.count(b"[") + data.count(b"{")
    return _is_dense(len(data), containers, containers + data.count(b",") + data.count(b":"), _OF_JSON_VALUE)


def msgpack_is_dense(data: bytes) -> bool:
    """Whether values in msgpack may need more than 16 times its bytes."""
    heads = data.translate(None, _NO_HEADS)
    return _is_dense(len(data), len(heads.translate(None, _NO_CONTAINERS)), len(heads), _OF_MSGPACK_VALUE)


def _is_dense(size: int, containers: int, values: int, of_value: int) -> bool:
    if containers * _FEW < values:
        of_value *= 2
    return containers * _OF_CONTAINER + values * of_value > _BYTES_PER_BYTE * size
