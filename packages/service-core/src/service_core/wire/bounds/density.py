"""How much memory the values of a request may take, estimated without making them.

A number or a short text of a few bytes is some tens of bytes of memory, and a list, a map or what is made of it some
hundreds. The estimate is an upper one, by what CPython and pydantic need for values of the declared types. Whether a
request is dense is asked of each large one: bytes within texts are counted as values there, since the distinction takes
longer. The memory of a dense one is counted without them.
"""

from __future__ import annotations

from typing import Final

from service_core.wire.bounds.json_windows import count_of, outside_strings
from service_core.wire.bounds.limits import msgpack_heads

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

_WINDOW: Final = 1024 * 1024
"""Bytes of which those of lists, maps and other values are counted in one step."""
_NO_HEADS: Final = bytes({*range(0x80), *range(0xE0, 0x100)})
_NO_CONTAINERS: Final = bytes(set(range(256)).difference({*range(0x80, 0xA0), *range(0xDC, 0xE0)}))


def json_is_dense(data: bytes) -> bool:
    """Whether values in JSON may need more than 16 times its bytes."""
    return _of_json(*_json_counts(data)) > _BYTES_PER_BYTE * len(data)


def msgpack_is_dense(data: bytes) -> bool:
    """Whether values in msgpack may need more than 16 times its bytes."""
    return _of_heads(data) > _BYTES_PER_BYTE * len(data)


def json_memory(data: bytes) -> int:
    """The bytes of memory that values in JSON need at most, apart from the contents of their texts."""
    containers = values = 0
    for piece in outside_strings(data):
        more = _json_counts(piece)
        containers, values = containers + more[0], values + more[1]
    return _of_json(containers, values)


def msgpack_memory(data: bytes) -> int:
    """The bytes of memory that values in msgpack need at most, apart from the contents of their texts."""
    return _of_heads(msgpack_heads(data, len(data)))


def _json_counts(text: bytes) -> tuple[int, int]:
    """How many lists and maps, and how many values with them."""
    containers = count_of(text, b"[") + count_of(text, b"{")
    return containers, containers + count_of(text, b",") + count_of(text, b":")


def _of_json(containers: int, values: int) -> int:
    return _memory(containers, values, _OF_JSON_VALUE)


def _of_heads(heads: bytes | bytearray) -> int:
    containers = values = 0
    for at in range(0, len(heads), _WINDOW):
        some = heads[at : at + _WINDOW].translate(None, _NO_HEADS)
        containers, values = containers + len(some.translate(None, _NO_CONTAINERS)), values + len(some)
    return _memory(containers, values, _OF_MSGPACK_VALUE)


def _memory(containers: int, values: int, of_value: int) -> int:
    if containers * _FEW < values:
        of_value *= 2
    return containers * _OF_CONTAINER + values * of_value
