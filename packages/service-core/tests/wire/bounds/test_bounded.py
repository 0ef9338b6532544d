"""Keys whose hashes are chosen to be equal, fields that are not declared, and pauses in long validations."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from service_core.errors import ArgumentException
from service_core.wire import WireType
from service_core.wire.bounds.bounded import MAX_EQUAL_HASHES
from service_core.wire.bounds.garbage_collection import LARGE

MODULUS = 2**61 - 1
"""CPython's hash of a whole number is its remainder by this prime."""
MANY = 10 * MAX_EQUAL_HASHES


def uuids(step: int, count: int = MANY) -> list[str]:
    return [str(UUID(int=number * step)) for number in range(count)]


@dataclass(frozen=True)
class Pair:
    left: int
    right: int


COLLIDING: list[tuple[Any, Any]] = [
    (set[UUID], uuids(MODULUS)),
    (frozenset[UUID], uuids(MODULUS)),
    (dict[UUID, int], dict.fromkeys(uuids(MODULUS), 0)),
    (set[Decimal], [str(number * MODULUS) for number in range(MANY)]),
    (dict[Decimal, int], {str(number * MODULUS): 0 for number in range(MANY)}),
    (set[UUID | int], uuids(MODULUS)),
    (set[int | None], [number * MODULUS for number in range(MANY)]),
]


@pytest.mark.parametrize(("annotation", "value"), COLLIDING)
def test_keys_of_which_too_many_have_the_same_hash_are_refused(annotation: Any, value: Any) -> None:
    wire = WireType(annotation, "here")
    reads: list[tuple[Callable[[Any], Any], Any]] = [
        (wire.from_json, json.dumps(value).encode()),
        (wire.from_plain, value),
    ]
    for read, data in reads:
        with pytest.raises(ArgumentException, match=f"More than {MAX_EQUAL_HASHES} keys have the same hash"):
            read(data)


def test_keys_with_hashes_of_their_own_are_read_however_many_there_are() -> None:
    assert len(WireType(set[UUID], "").from_plain(uuids(1, 10_000))) == 10_000
    assert WireType(set[UUID], "").from_plain(uuids(1, 1) * 1000) == {UUID(int=0)}
    assert len(WireType(dict[UUID, int], "").from_plain(dict.fromkeys(uuids(1, 10_000), 0))) == 10_000
    pairs = [{"left": number, "right": number} for number in range(1000)]
    assert len(WireType(set[Pair], "").from_json(json.dumps(pairs).encode())) == 1000


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**30])
def test_an_integer_that_is_a_key_has_at_most_64_bits(number: int) -> None:
    for annotation, value in ((set[int], [number]), (dict[int, str], {str(number): ""})):
        with pytest.raises(ArgumentException, match=r"Input should be (less|greater) than or equal to"):
            WireType(annotation, "").from_json(json.dumps(value).encode())
    assert WireType(list[int], "").from_json(json.dumps([number]).encode()) == [number]


@pytest.mark.parametrize("number", [2**64 - 1, -(2**63), 0])
def test_a_key_of_64_bits_is_read(number: int) -> None:
    assert WireType(set[int], "").from_json(json.dumps([number]).encode()) == {number}
    assert WireType(dict[int, str], "").from_json(json.dumps({str(number): ""}).encode()) == {number: ""}


def test_integers_whose_hashes_are_equal_take_as_long_as_others() -> None:
    wire = WireType(set[int], "")
    equal = [number * MODULUS for number in range(-4, 9)]
    assert wire.from_json(json.dumps(equal).encode()) == set(equal)


def test_the_schema_that_is_documented_and_written_by_is_left_as_it_is() -> None:
    assert WireType(set[int], "").core_schema == {"type": "set", "items_schema": {"type": "int"}, "strict": False}


@pytest.mark.parametrize(
    ("annotation", "item"),
    [(list[Pair], {"left": 1, "right": 2}), (list[list[int]], [1]), (list[dict[str, int]], {"a": 1})],
)
def test_a_large_value_is_read_as_a_small_one_is(annotation: Any, item: Any) -> None:
    wire, count = WireType(annotation, "here"), LARGE // 3
    written = json.dumps([item] * count).encode()
    [small] = wire.from_json(json.dumps([item]).encode())
    assert wire.from_json(written) == wire.from_plain([item] * count, is_large=True) == [small] * count
    with pytest.raises(ArgumentException) as caught:
        wire.from_json(written[:-1] + b', "wrong"]')
    assert caught.value.details[0]["loc"] == [count]


def test_other_threads_run_while_a_large_list_of_objects_is_read() -> None:
    wire, entered = WireType(list[Pair], "here"), threading.Event()
    data = [{"left": 1, "right": 2}] * 200_000
    turns: list[float] = []

    def count() -> None:
        entered.set()
        while not done.is_set():
            turns.append(time.monotonic())
            time.sleep(0)

    done = threading.Event()
    counting = threading.Thread(target=count)
    counting.start()
    entered.wait()
    begin = time.monotonic()
    wire.from_plain(data, is_large=True)
    end = time.monotonic()
    done.set()
    counting.join()
    assert sum(begin < turn < end for turn in turns) > 3
