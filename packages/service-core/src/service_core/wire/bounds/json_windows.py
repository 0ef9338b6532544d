"""Texts in JSON, looked at some KB at a time, so that other threads run in between. Nothing is parsed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

JSON_WINDOW: Final = 64 * 1024
"""Bytes that are looked at in one step."""
_COUNTED: Final = 1024 * 1024
"""Bytes of which those of one value are counted in one step."""
_BACKSLASH: Final = ord("\\")


def outside_strings(text: bytes) -> Iterator[bytes]:
    """A text without its strings, in pieces."""
    at, in_string = 0, False
    while at < len(text):
        stop = window_end(text, at, len(text))
        parts = without_escapes(text[at:stop]).split(b'"')
        yield b"".join(parts[in_string::2])
        at, in_string = stop, in_string is (len(parts) % 2 == 1)


def count_of(text: bytes, byte: bytes) -> int:
    """How often a byte stands in a text."""
    return sum(text.count(byte, at, at + _COUNTED) for at in range(0, len(text), _COUNTED))


def window_end(text: bytes, at: int, end: int, size: int = JSON_WINDOW) -> int:
    """The end of what is looked at in one step; it does not part a backslash from what it escapes."""
    stop = min(end, at + size)
    backslashes = stop
    while backslashes > at and text[backslashes - 1] == _BACKSLASH:
        backslashes -= 1
    return min(end, stop + (stop - backslashes) % 2)


def without_escapes(text: bytes) -> bytes:
    """A text whose quotes all begin or end a string."""
    return text.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in text else text
