"""msgpack as the wire uses it: what it has no form for, and what a few bytes must not be able to do."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgpack
from msgpack import unpackb

from service_core.errors import ArgumentException
from service_core.wire.bounds.limits import MAX_DEPTH, Buffer
from service_core.wire.bounds.msgpack_windows import Skipper
from service_core.wire.codec import MalformedData
from service_core.wire.types.exact import portable

_DATETIME: Final = 3
"""The option of msgpack that reads timestamps as datetimes."""
_SHORT: Final = 4096
"""Up to how many bytes looking at each costs next to nothing."""


def pack(value: Any, where: str) -> bytes:
    """Plain data as msgpack. Raises ArgumentException, in the name of ``where``."""
    try:
        packed: bytes = msgpack.Packer(default=_plain).pack(value)  # not cast(), which would be a call more
    except (ValueError, TypeError, OverflowError):
        raise ArgumentException(f"{where}: the value cannot be written as msgpack") from None
    return packed


def _plain(value: Any) -> Any:
    """What msgpack has no form for: sets and deques as lists, all else (dates, UUIDs) as pydantic's JSON has it."""
    if isinstance(value, set | frozenset | deque):
        return list(value)
    if isinstance(value, int):
        return msgpack.ExtType(_INTEGER, str(value).encode())  # more than 64 bits
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    return portable(value)


def unpack(data: Buffer) -> Any:
    """Read msgpack without giving a few bytes the power to take much memory or a deep stack. Raises MalformedData."""
    try:
        if len(data) > MAX_DEPTH:  # else they make no room for much, and have no room for more levels
            _scan(data)
        pause = _pause if len(data) > _LONG else None
        try:  # with texts as the keys of maps, as nearly always, no key has to be checked
            return unpackb(data, object_hook=pause, strict_map_key=True, ext_hook=_read_extension, timestamp=_DATETIME)
        except ValueError:
            return _unpack_any_keys(data, pause)
    except _WRONG as error:
        raise _malformed(error) from None


def check_outline(data: Buffer) -> None:
    """Raise MalformedData if not as much comes as the headers announce, or if it is nested too deep. Makes no value."""
    try:
        _skip(data, may_be_deep=True)
    except _WRONG as error:
        raise _malformed(error) from None


_WRONG: Final = (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException)


def _malformed(error: Exception) -> MalformedData:
    if isinstance(error, msgpack.StackError):
        return MalformedData(f"nested deeper than {MAX_DEPTH} levels")
    reason = str(error) or type(error).__name__
    return MalformedData(f"not valid msgpack: {reason[:200]}")


def _unpack_any_keys(data: Buffer, pause: Callable[[Any], Any] | None) -> Any:
    options: dict[str, Any] = {"strict_map_key": False, "ext_hook": _read_extension, "timestamp": _DATETIME}
    if _EXTENSION.search(data):
        return unpackb(data, object_pairs_hook=_map_without_long_keys, **options)
    return unpackb(data, object_hook=pause, **options)


_LONG: Final = 1 << 20
"""From how many bytes on other threads would have to wait for too long until all is read."""


def _pause(value: Any) -> Any:
    return value  # the interpreter lets other threads run where a function begins


_MAY_NEST: Final = bytes([*range(0x80, 0xA0), *range(0xDC, 0xE0)])  # headers of lists and maps
_NEITHER: Final = bytes(set(range(256)).difference(_MAY_NEST))
_FEW_ITEMS: Final = bytes(range(0x80, 0xA0))
_ONE_ITEM: Final = 0x91


def _scan(data: Buffer) -> None:
    """Raise what msgpack raises if there are not as many items as are announced, or StackError if they are too deep.

    msgpack makes room for as many items as a header announces, before it has seen one, and once more for every
    level of nesting. Skipping makes room for nothing and fails if what is announced does not come, so afterwards no
    more than eight bytes per byte of input can be made room for.
    """
    if data[1 if data[0] == _ONE_ITEM else 0] not in _MAY_NEST:
        return  # one value that is neither list nor map, or a list of one
    if isinstance(data, bytes) and len(data) <= _SHORT:
        headers = data.translate(None, _NEITHER)
        may_be_deep = len(headers) > MAX_DEPTH
        if not may_be_deep and not headers.strip(_FEW_ITEMS):
            return
    else:
        may_be_deep = True
    _skip(data, may_be_deep=may_be_deep)


def _skip(data: Buffer, *, may_be_deep: bool) -> None:
    skipper = Skipper(data, around=_LEVELS if may_be_deep else b"")
    skipper.skip()
    if skipper.position < len(data):
        raise ValueError("there is more data after the value")


def _is_refused(levels: int) -> bool:
    """Whether so many lists in each other are too many for msgpack."""
    unpacker = msgpack.Unpacker()
    unpacker.feed(b"\x91" * levels + b"\xc0")
    try:
        unpacker.skip()
    except msgpack.StackError:
        return True
    return False


# Around a value they leave it as many as may be nested: msgpack has a limit (1,024, or 511 without its extension in C),
# but none that can be set.
_LEVELS: Final = b"\x91" * (bisect_left(range(2048), True, key=_is_refused) - 1 - MAX_DEPTH)

_EXTENSION: Final = re.compile(rb"[\xc7-\xc9\xd4-\xd8]")
"""A byte that may begin an extension; few texts in UTF-8 have one."""
_SHORT_INTEGERS: Final = range(-(2**63), 2**64)


def _map_without_long_keys(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    """A map, if no extension is a key: of integers with more than 64 bits any number may have the same hash."""
    for key, _ in pairs:
        if (type(key) is int and key not in _SHORT_INTEGERS) or type(key) is datetime:
            raise ValueError("an extension type is the key of a map")
    return dict(pairs)


_INTEGER: Final = 1
"""The one extension type: an integer of more than 64 bits, as decimal digits."""
_DIGITS: Final = re.compile(rb"-?[0-9]{1,4300}")  # Python reads no longer ones, since that takes quadratic time


def _read_extension(code: int, data: bytes) -> int:
    if code != _INTEGER:
        raise ValueError(f"extension type {code} is not part of the wire format")
    if not _DIGITS.fullmatch(data):
        raise ValueError("an integer is not written in decimal digits")
    return int(data)
