"""The method's name in a request, found without making any of its values.

It is for callers who have shown no token: what they send is not read before it is known that the method needs none.
So the name must stand in the first bytes; every client of ours writes it first.
"""

from __future__ import annotations

import re
from typing import Final

import msgpack
from pydantic_core import from_json

_SEARCHED: Final = 64 * 1024
"""In how many bytes from the beginning the name is looked for."""

_STRING: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_TOKEN: Final = re.compile(_STRING + rb"|[{}\[\]]", re.DOTALL)
_VALUE: Final = re.compile(rb"\s*:\s*(" + _STRING + rb")", re.DOTALL)


def json_method_name(data: bytes) -> str:
    """The first value of the key ``method`` in an object of JSON; empty if there is none, or none that is a text."""
    text, depth = data[:_SEARCHED], 0
    for token in _TOKEN.finditer(text):
        if token[0] in (b"{", b"["):
            depth += 1
        elif token[0] in (b"}", b"]"):
            depth -= 1
        elif depth == 1 and token[0] == b'"method"' and (value := _VALUE.match(text, token.end())):
            return _text(value[1])
    return ""


def _text(written: bytes) -> str:
    try:
        return str(from_json(written))
    except ValueError:
        return ""


def msgpack_method_name(data: bytes) -> str:
    """The first value of the key ``method`` in a map of msgpack; empty if there is none, or none that is a text."""
    text = data[:_SEARCHED]
    unpacker = msgpack.Unpacker(strict_map_key=False)
    unpacker.feed(text)
    try:
        for _ in range(unpacker.read_map_header()):
            key = text[unpacker.tell() :][:7]
            unpacker.skip()
            if key == b"\xa6method":
                return str(unpacker.unpack()) if _is_text(text[unpacker.tell() :][:1]) else ""
            unpacker.skip()
    except (ValueError, msgpack.UnpackException):
        pass  # no map, or one that does not end here
    return ""


def _is_text(first: bytes) -> bool:
    return first in (b"\xd9", b"\xda", b"\xdb") or b"\xa0" <= first <= b"\xbf"
