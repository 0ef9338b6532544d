"""Requests that are none: by their format and by what is wrong with them."""

from __future__ import annotations

import json
from typing import Final

import msgpack

from tests.chaos.ledger import COMPONENT
from tests.chaos.rude import packed
from tests.support.memory import MB

__all__ = ["MALFORMED", "READ", "call_of"]

READ: Final = f"{COMPONENT}:chaos-ledger:read"
BLOCK: Final = f"{COMPONENT}:chaos-ledger:block"
DEEP: Final = 500_000


def call_of(*args: object, method: str = READ) -> dict[str, object]:
    return {"method": method, "args": args}


def as_json(opening: bytes, method: str = READ, closing: bytes = b"") -> bytes:
    return b'{"method":"%s","args":[%s%s]}' % (method.encode(), opening, closing)


def as_msgpack(argument: bytes, method: str = READ) -> bytes:
    return b"\x82\xa6method" + packed(method) + b"\xa4args\x91" + argument


MALFORMED: Final = {
    "json": {
        "nothing": b"",
        "deep lists": as_json(b"[" * DEEP, closing=b"]" * DEEP),
        "deep lists that do not end": as_json(b"[" * DEEP),
        "deep maps": as_json(b'{"a":' * DEEP + b"1" + b"}" * DEEP),
        "NaN": as_json(b"NaN", BLOCK),
        "infinity": as_json(b"-Infinity", BLOCK),
        "10^400": as_json(b"1e400", BLOCK),
        "an integer of 100,000 digits": as_json(b"9" * 100_000, BLOCK),
        "a truth value as a number of seconds": as_json(b"[true]", BLOCK),
        "no text": b'{"method":"' + b"\xff\xfe" + b'","args":[]}',
        "half a character": as_json(rb'"\ud800"'),
        "a list": b"[]",
        "null": b"null",
        "a method that is a number": b'{"method":5,"args":[]}',
        "arguments that are a map": json.dumps({"method": READ, "args": {"entry": "x"}}).encode(),
        "no arguments": json.dumps({"method": READ}).encode(),
        "other keys": json.dumps({"methods": READ, "arguments": ["x"]}).encode(),
        "too few arguments": json.dumps(call_of()).encode(),
        "too many arguments": json.dumps(call_of("x", "y")).encode(),
        "an argument of a wrong type": json.dumps(call_of(5)).encode(),
        "two documents": json.dumps(call_of("x")).encode() * 2,
        "a megabyte of commas": as_json(b"," * MB),
    },
    "msgpack": {
        "nothing": b"",
        "deep lists": as_msgpack(b"\x91" * DEEP + b"\xc0"),
        "deep lists that do not end": as_msgpack(b"\x91" * DEEP),
        "deep maps": as_msgpack(b"\x81\xa1a" * DEEP + b"\xc0"),
        "lists that announce four billion items": as_msgpack(b"\xdd\xff\xff\xff\xff" * 100),
        "a map that announces four billion items": as_msgpack(b"\xdf\xff\xff\xff\xff"),
        "a text that announces four gigabytes": as_msgpack(b"\xdb\xff\xff\xff\xff"),
        "NaN": as_msgpack(packed(float("nan")), BLOCK),
        "infinity": as_msgpack(packed(float("inf")), BLOCK),
        "a list as a key": as_msgpack(b"\x81\x90\x01"),
        "an extension": as_msgpack(packed(msgpack.ExtType(42, b"x"))),
        "a date far away": as_msgpack(b"\xc7\x0c\xff" + b"\xff" * 12),
        "no text": as_msgpack(b"\xa2\xff\xfe"),
        "what is never used": b"\xc1",
        "a list": packed([]),
        "other keys": packed({"methods": READ, "arguments": ["x"]}),
        "keys that are bytes": packed({b"method": READ, b"args": ["x"]}),
        "too few arguments": packed(call_of()),
        "an argument of a wrong type": packed(call_of(5)),
        "two documents": packed(call_of("x")) * 2,
    },
}
"""The bytes of each, by format and by what is wrong."""
