"""Unions of collections and objects that differ in the type of their parts only: exact on every way, or refused."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import make_dataclass
from decimal import Decimal
from fractions import Fraction
from ipaddress import IPv4Address
from itertools import permutations
from typing import Any, Union
from uuid import UUID

import pytest

from service_core.errors import DeclarationException
from tests.integration.calls.drawn_calls import Ways
from tests.integration.calls.drawn_types import Drawn

pytestmark = pytest.mark.slow

SCALARS: dict[Any, list[Any]] = {
    int: [419, 0, 1],
    float: [1.0, 2.5],
    bool: [True],
    str: ["5", "a"],
    bytes: [b"5"],
    Decimal: [Decimal("1.5"), Decimal(5)],
    Fraction: [Fraction(1, 3), Fraction(5)],
    complex: [1j],
    UUID: [UUID(int=5)],
    IPv4Address: [IPv4Address("0.0.0.5")],
    dt.date: [dt.date(2024, 1, 1)],
    dt.datetime: [dt.datetime(2024, 1, 1)],
    dt.time: [dt.time(1)],
    dt.timedelta: [dt.timedelta(seconds=5)],
}

_STRINGS: Any = dict
_LISTS: Any = list
_DEQUES: Any = deque

Make = Callable[[Any], tuple[Any, Callable[[Any], Any]]]
"""A type that holds values of a scalar, and what makes a value of it."""


def _object(scalar: Any) -> tuple[Any, Callable[[Any], Any]]:
    made: Any = make_dataclass("Made", [("value", scalar)])
    return made, made


def _of(kind: Any, make: Callable[[list[Any]], Any] = list) -> Make:
    """Collections of a kind with one value."""
    return lambda scalar: (kind[scalar], lambda value: make([value]))


WHOLES: dict[str, Make] = {
    "list": _of(list),
    "deque": _of(deque, deque),
    "set": _of(set, set),
    "tuple": _of(tuple, tuple),
    "sequence": _of(Sequence),
    "dict": lambda scalar: (_STRINGS[str, scalar], lambda value: {"a": value}),
    "list of deques": lambda scalar: (_LISTS[_DEQUES[scalar]], lambda value: [deque([value])]),
    "object": _object,
}


def unions(make: Make) -> Iterator[tuple[Ways, list[Any]]]:
    """The unions that are accepted, and values of both members."""
    for one, other in permutations(SCALARS, 2):
        (first, make_first), (second, make_second) = make(one), make(other)
        values = [make_first(value) for value in SCALARS[one]] + [make_second(value) for value in SCALARS[other]]
        try:
            ways = Ways(Drawn(Union[first, second], lambda _: None))  # noqa: UP007
        except DeclarationException:
            continue
        yield ways, values


@pytest.mark.parametrize("whole", WHOLES)
def test_a_value_of_either_member_arrives_equal(whole: str) -> None:
    outcomes = {
        outcome for ways, values in unions(WHOLES[whole]) for value in values for outcome in ways.outcomes(value)
    }
    assert outcomes == {""}


def test_some_unions_are_accepted() -> None:
    assert len(list(unions(WHOLES["list"]))) > len(SCALARS)
