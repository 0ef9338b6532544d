"""Types that are drawn: a value that is read in pieces is the one that reading at once gives, or is refused alike.

``DRAWN_IN_PIECES`` says how many types are drawn.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from service_core.errors import ArgumentException, DeclarationException
from service_core.wire import JSON, MSGPACK, Codec, MalformedData, WireType
from service_core.wire.large_values import json_splitter, msgpack_splitter, reading
from service_core.wire.large_values.reading import read_in_pieces
from service_core.wire.msgpack_io import pack, unpack
from tests.integration.calls.drawn_types import alike, drawn

COUNT = int(os.environ.get("DRAWN_IN_PIECES", "150"))
OTHERS: tuple[Any, ...] = (None, [], {}, "zz", 3.5, [1] * 20, {"a": [1] * 20})
"""What is put in the place of a part of a value."""


@pytest.fixture(autouse=True)
def small_values_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "READ_PIECE", 12)
    monkeypatch.setattr(json_splitter, "JSON_WINDOW", 24)
    monkeypatch.setattr(json_splitter, "_SHORT", 8)
    monkeypatch.setattr(msgpack_splitter, "ITEMS", 2)


def outcome(read: Callable[[], Any]) -> tuple[Any, ...]:
    try:
        return "read", read()
    except ArgumentException as error:
        return "refused", error.message, error.details
    except MalformedData:
        return ("malformed",)


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the scalars of a value stand."""
    if isinstance(value, list | dict):
        for key, inner in enumerate(value) if isinstance(value, list) else value.items():
            yield from places(inner, (*place, key))
    elif place:
        yield place


def texts(codec: Codec, written: bytes, random: Random) -> Iterator[bytes]:
    """A value as it was written, and some in which a part is another."""
    yield written
    for _ in range(3):
        value = json.loads(written) if codec is JSON else unpack(written)
        found = list(places(value))
        if not found:
            return
        *outer, key = random.choice(found)
        part = value
        for one in outer:
            part = part[one]
        part[key] = random.choice(OTHERS)
        yield json.dumps(value).encode() if codec is JSON else pack(value, "drawn")


def cases(codec: Codec) -> Iterator[tuple[int, WireType, bytes]]:
    for number in range(COUNT):
        one, random = drawn(number), Random(number)
        is_list = number % 3 == 0
        try:
            wire = WireType(list[one.type] if is_list else one.type, "drawn")  # type: ignore[name-defined]
            value = [one.values(random) for _ in range(3)] if is_list else one.values(random)
            written = JSON.write_value(wire, value)
        except (DeclarationException, ArgumentException):
            continue
        if codec is MSGPACK:
            written = pack(json.loads(written), "drawn")
        for text in texts(codec, written, random):
            yield number, wire, text


@pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=lambda codec: codec.content_type)
def test_a_value_that_is_read_in_pieces_is_that_of_reading_at_once(codec: Codec) -> None:
    in_pieces, found = 0, list[tuple[int, bytes]]()
    for number, wire, text in cases(codec):
        read = outcome(lambda wire=wire, text=text: read_in_pieces(wire, lambda: codec.splitter(text)))  # type: ignore[misc]
        if read == ("read", None):
            continue
        in_pieces += 1
        at_once = outcome(lambda wire=wire, text=text: codec.read_value(wire, text))  # type: ignore[misc]
        is_equal = read[0] == at_once[0] == "read" and alike(at_once[1], read[1][0])
        if not is_equal and (read[0] != "refused" or read != at_once):
            found.append((number, text))
    assert found == []
    assert in_pieces > COUNT
