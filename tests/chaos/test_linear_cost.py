"""Requests that are made to cost much cost a multiple of their bytes, before they are refused and if they are accepted.

Each is doubled twice. What is asserted are ratios of CPU time and memory that only more than linear growth exceeds;
the table shows what they were.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pytest

from tests.chaos.cost import Cost, cost_of
from tests.chaos.hostile import HARMLESS, HOSTILE
from tests.support.figures import Figures
from tests.support.memory import MB

SIZES = (265_000, 530_000, 990_000)
"""Bytes, doubled twice. Requests from 256 KB on are read in pieces; from 1 MB on their values are counted first."""
MOMENT = 0.05
"""Seconds that are no cost: so little is measured inexactly."""
MOST_GROWTH = 9.0
"""Four times the bytes take four times as long if the cost is linear, and 16 times if it is quadratic."""
MOST_MEMORY = {"refused": 16, "accepted": 600}
"""Bytes of memory for each byte of the largest. What is accepted costs what its objects do: an object of a byte takes
some hundred; the server's setting ``max_values`` is the limit of those."""


@cache
def refusal_of(name: str, size: int) -> Cost:
    """What a request that is made to cost much costs, measured once."""
    one = HOSTILE[name]
    return cost_of(one.form, one.request(size))


@pytest.mark.parametrize("name", HOSTILE)
def test_time_and_memory_grow_with_the_bytes(name: str, figures: Figures) -> None:
    growing = HOSTILE[name]
    requests = [growing.request(size) for size in SIZES]
    small, _, large = costs = [refusal_of(name, size) for size in SIZES]
    ratios = ", ".join(f"{after.seconds / max(before.seconds, 1e-6):.1f}" for before, after in pairwise(costs))
    memory = large.memory / len(requests[-1])
    figures.add(
        f"{name}: status, ms for {len(requests[-1]) / MB:.1f} MB, growth when doubled, bytes of memory per byte",
        f"{large.status}  {large.seconds * 1e3:.0f} ms  x{ratios}  {memory:.1f}",
    )
    assert large.status < 500
    assert large.seconds < MOST_GROWTH * small.seconds + MOMENT
    assert memory < MOST_MEMORY["accepted" if large.status == 200 else "refused"]


@pytest.mark.parametrize("form", HARMLESS)
def test_a_refusal_takes_at_most_five_times_as_long_as_a_harmless_request(form: str, figures: Figures) -> None:
    size = 400_000
    harmless = cost_of(form, HARMLESS[form].request(size))
    assert harmless.status == 200
    hostile = {name: refusal_of(name, size) for name, one in HOSTILE.items() if one.form == form}
    hostile = {name: cost for name, cost in hostile.items() if cost.status != 200}
    slowest = max(hostile, key=lambda name: hostile[name].seconds)
    figures.add(
        f"slowest refusal of {size // 1000} KB in {form}: {slowest}",
        f"{hostile[slowest].seconds / harmless.seconds:.1f}",
        "x harmless",
    )
    assert hostile[slowest].seconds < 5 * harmless.seconds + MOMENT
