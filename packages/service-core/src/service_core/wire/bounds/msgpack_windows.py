"""Values in msgpack, skipped some KB at a time, so that other threads run in between. None is made."""

from __future__ import annotations

from itertools import repeat
from typing import Any, Final

import msgpack

from service_core.wire.bounds.limits import Buffer

_WINDOW: Final = 256 * 1024
"""Bytes that are copied and skipped in one step."""


class Skipper:
    """Values that stand one after the other. Raises what msgpack raises for what is none."""

    def __init__(self, data: Buffer, *, around: bytes = b"") -> None:
        """``around`` is read before the data: the beginning of a value that the data is part of."""
        self._data = data
        self._fed = 0
        self._around = len(around)
        self._unpacker: Any = msgpack.Unpacker(max_buffer_size=max(1, len(data) + len(around)), strict_map_key=False)
        if around:
            self._unpacker.feed(around)
        self._feed()

    def skip(self, count: int = 1) -> None:
        """Go to the end of so many values."""
        skip, left = self._unpacker.skip, count
        while left:
            try:
                for _ in repeat(None, left):
                    skip()  # one that is not complete goes on where it has stopped
                    left -= 1
            except msgpack.OutOfData:
                if self._fed >= len(self._data):
                    raise
                self._feed()

    def enter(self, *, is_map: bool) -> int:
        """Go into a list or map; how many items or pairs it has."""
        unpacker = self._unpacker
        count: int = unpacker.read_map_header() if is_map else unpacker.read_array_header()
        return count

    @property
    def position(self) -> int:
        """How many bytes of the data have been skipped."""
        return int(self._unpacker.tell()) - self._around

    def _feed(self) -> None:
        self._unpacker.feed(self._data[self._fed : self._fed + _WINDOW])
        self._fed += _WINDOW
