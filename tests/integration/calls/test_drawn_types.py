"""Types that are drawn, with values of them: each arrives equal on every way, or is refused on all.

``DRAWN_TYPES`` says how many types are drawn and ``DRAWN_FIRST`` from which number on; a failure names the number.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random

import pytest

from service_core.errors import DeclarationException
from tests.integration.calls.drawn_calls import REFUSED, Ways, calling, over_text
from tests.integration.calls.drawn_types import Drawn, drawn

pytestmark = pytest.mark.slow

COUNT = int(os.environ.get("DRAWN_TYPES", "5000"))
FIRST = int(os.environ.get("DRAWN_FIRST", "0"))
VALUES = 3
"""How many values of each type are sent on each way."""
CALLED = 20
"""One type of so many is that of a method that is called in memory, which costs more than all the rest."""
BATCH = 25
"""How many types the methods of one service have."""


def wrong(number: int, one: Drawn) -> tuple[bool, str]:
    """Whether the type is accepted in a path, a query or a header, and what is wrong with values there."""
    random = Random(number)
    sent = over_text(one, random)
    outcomes = {"" if sent is None else sent(one.values(random)) for _ in range(VALUES)}
    return sent is not None, "; ".join(sorted(outcomes - {"", REFUSED}))


def differing(number: int, one: Drawn, ways: Ways) -> str:
    """How the outcomes of one value differ from way to way."""
    random = Random(number)
    for _ in range(VALUES):
        outcomes = set(ways.outcomes(one.values(random)))
        if outcomes not in ({""}, {REFUSED}):
            return str(sorted(outcomes))
    return ""


def accepted(numbers: range) -> Iterator[tuple[int, Drawn, Ways]]:
    """The types that are not refused where they are declared."""
    for number in numbers:
        one = drawn(number)
        try:
            yield number, one, Ways(one)
        except DeclarationException:
            continue


def test_a_value_arrives_equal_or_is_refused_in_every_encoding() -> None:
    types = list[int]()
    found = dict[str, str]()
    for number, one, ways in accepted(range(FIRST, FIRST + COUNT)):
        types.append(number)
        if outcome := differing(number, one, ways):
            found[f"{number}: {one.type}"] = outcome
    assert found == {}
    assert len(types) > COUNT / 2


def test_a_value_arrives_equal_or_is_refused_where_it_is_text() -> None:
    types = 0
    found = dict[str, str]()
    for number in range(FIRST, FIRST + COUNT):
        one = drawn(number)
        is_accepted, outcome = wrong(number, one)
        types += is_accepted
        if outcome:
            found[f"{number}: {one.type}"] = outcome
    assert found == {}
    assert types > COUNT / 10


@pytest.mark.parametrize("first", range(FIRST, FIRST + COUNT, CALLED * BATCH))
def test_a_value_arrives_equal_or_is_refused_in_memory(first: int) -> None:
    end = min(first + CALLED * BATCH, FIRST + COUNT)
    types = [one for _, one, _ in accepted(range(first, end, CALLED))]
    found = dict[str, str]()
    with calling(types) as call:
        for index, one in enumerate(types):
            random = Random(index)
            for _ in range(VALUES):
                outcomes = set(call(index, one.values(random)))
                if outcomes not in ({""}, {REFUSED}):
                    found[str(one.type)] = str(sorted(outcomes))
    assert found == {}
