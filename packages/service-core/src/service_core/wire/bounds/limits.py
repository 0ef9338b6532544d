"""How many values a text in JSON or msgpack holds, found without making them.

A value costs memory that its bytes do not show: an empty map is one byte of msgpack and 72 bytes of Python. Values,
keys of maps among them, are counted before any is made. The time is linear, and a text that is too short to hold too
many is not looked at.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from service_core.wire.bounds.json_windows import count_of, outside_strings

Buffer: TypeAlias = bytes | memoryview

MAX_DEPTH: Final = 200
"""How deep lists and maps may be nested; pydantic's JSON parser has the same limit."""
MAX_VALUES: Final = 1_000_000
"""How many values a request may hold unless a server sets another limit."""


class TooManyValues(ValueError):
    """A text holds more values than are read; says how many those are."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"the request holds more than {most} values, the setting max_values (SERVICE_SERVER_MAX_VALUES)"
        )
        self.most = most
        """The limit."""


# JSON


def json_holds_more(data: Buffer, most: int) -> bool:
    """Whether a text in JSON holds more than ``most`` values; for what is no JSON the answer has no meaning.

    An empty list or map counts as two.
    """
    if len(data) <= 2 * most:  # each value has a digit, letter or bracket, and a comma or colon
        return False
    text = bytes(data)
    if _separators(text) < most:
        return False
    count = 0  # once more without the commas of strings
    for piece in outside_strings(text):
        count += _separators(piece)
        if count >= most:
            return True
    return False


def _separators(text: bytes) -> int:
    """How many values there are at most, less one: each but the first comes after one of these."""
    return sum(count_of(text, byte) for byte in (b",", b":", b"[", b"{"))


# msgpack

_ONE_BYTE: Final = re.compile(rb"[\x00-\xa0\xc0\xc2\xc3\xe0-\xff]+")
"""Values of one byte, and beginnings of lists and maps."""


def _sizes() -> tuple[int, ...]:
    """By first byte: how many bytes come after it; negative, how many bytes hold the length of the rest."""
    sizes = [0] * 256
    for byte in range(0xA0, 0xC0):
        sizes[byte] = byte & 0x1F
    for byte, size in {0xCA: 4, 0xCB: 8, 0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}.items():
        sizes[byte] = size
    for step in range(4):
        sizes[0xCC + step] = sizes[0xD0 + step] = 1 << step  # integers
    for step in range(5):
        sizes[0xD4 + step] = 1 + (1 << step)  # extensions of 1 to 16 bytes, after their type
    for step in range(3):
        sizes[0xC4 + step] = sizes[0xC7 + step] = -(1 << step)  # bytes, extensions
        sizes[0xD9 + step] = -(1 << step)  # texts
    return tuple(sizes)


_SIZES: Final = _sizes()
_EXTENSIONS: Final = range(0xC7, 0xCA)


def msgpack_holds_more(data: Buffer, most: int) -> bool:
    """Whether a text in msgpack holds more than ``most`` values; for what is no msgpack the answer has no meaning."""
    return len(data) > most and len(msgpack_heads(data, most)) > most


def msgpack_heads(data: Buffer, most: int) -> bytearray:
    """The first byte of each value; reading ends once there are more than ``most``."""
    heads, position, end = bytearray(), 0, len(data)
    while position < end and len(heads) <= most:
        head = data[position]
        size = _SIZES[head]
        if size > 0:
            position += 1 + size
            heads.append(head)
        elif size < 0:
            start = position + 1
            position = start - size + int.from_bytes(data[start : start - size], "big")
            position += head in _EXTENSIONS
            heads.append(head)
        else:
            run = _ONE_BYTE.match(data, position)
            after = position + 1 if run is None else run.end()
            heads += data[position:after]
            position = after
    return heads
