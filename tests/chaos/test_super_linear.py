"""A search for requests that cost more than a multiple of their bytes.

A candidate is a part of a few bytes that is repeated, mutated from those that once did harm and from pieces of both
formats, and sent to every kind of method. Those that take long per byte are mutated further. In CI the number of
candidates is bounded; ``CHAOS_MINUTES=60`` searches for an hour. What is found goes into ``hostile.py``.
"""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import pytest

from service_core.dispatch import Response
from tests.chaos.hostile import HARMLESS, HOSTILE
from tests.chaos.varied import METHODS, call_of, varied_dispatcher
from tests.support.figures import Figures

CANDIDATES: Final = 150
SIZES: Final = (20_000, 80_000)
"""Bytes of the smaller request of a candidate; the larger one has four times as many.

It is read at once, or in pieces.
"""
MOST_GROWTH: Final = 9.0
MOST_TIMES_HARMLESS: Final = 16.0
MOMENT: Final = 0.05
"""Seconds that are no cost."""
RUNS: Final = 5

PIECES: Final = {
    "json": (
        b"[",
        b"]",
        b"{",
        b"}",
        b'"',
        b":",
        b",",
        b"\\",
        b"0",
        b"1e9",
        b"9" * 30,
        b'"a"',
        b"null",
        b"-",
        b"\\u0041",
        b"\xff",
        b"true",
        b"1.5",
        b'"2020-01-01"',
        b'"name":""',
        b'"kind":"cat"',
        b'"children":[]',
        b"[{}]",
        b" ",
        b"[" * 7 + b"]" * 7,
    ),
    "msgpack": (
        b"\x80",
        b"\x90",
        b"\x91",
        b"\x81",
        b"\xc0",
        b"\xa0",
        b"\xa1a",
        b"\xd9\x05aaaaa",
        b"\xc4\x01\x80",
        b"\xcb" + bytes(8),
        b"\xc7\x02\x0112",
        b"\xcf" + b"\xff" * 8,
        b"\xa4name\xa0",
        b"\xa4kind\xa3cat",
        b"\xa8children\x90",
        b"\xd6\xff" + bytes(4),
        b"\x91" * 7 + b"\xc0",
    ),
}
BRACKETS: Final = {
    "json": ((b"[", b"]"), (b"{", b"}"), (b'"', b'"'), (b"", b"")),
    "msgpack": ((b"\xdd", b""), (b"\xdf", b"")),
}

Send = Callable[[str, bytes], Response]


@dataclass(frozen=True, slots=True)
class Candidate:
    form: str
    method: str
    part: bytes
    brackets: tuple[bytes, bytes]
    size: int = SIZES[0]

    def request(self, size: int) -> bytes:
        count = max(1, size // len(self.part))
        opening, closing = self.brackets
        inner = self.part * count
        if self.form == "json":
            return call_of("json", self.method, opening + inner.rstrip(b",") + closing)
        items = count if opening == b"\xdd" else count // 2
        return call_of("msgpack", self.method, opening + items.to_bytes(4, "big") + inner)


def candidates(chance: random.Random, fruitful: list[Candidate]) -> Iterator[Candidate]:
    """Candidates without end; those that took long are mutated again."""
    while True:
        if fruitful and chance.random() < 0.4:
            base = chance.choice(fruitful)
            form, part = base.form, bytearray(base.part)
        else:
            form = chance.choice(list(PIECES))
            known = chance.choice([one for one in HOSTILE.values() if one.form == form])
            part = bytearray(known.part(chance.randrange(10**6)) + known.between)
        for _ in range(chance.randrange(4)):
            at = chance.randrange(len(part) + 1)
            part[at : at + chance.randrange(3)] = chance.choice(PIECES[form]) * chance.choice((1, 1, 3))
        yield Candidate(
            form, chance.choice(METHODS), bytes(part) or b"0", chance.choice(BRACKETS[form]), chance.choice(SIZES)
        )


def seconds(send: Send, form: str, request: bytes) -> float:
    begin = time.process_time()
    answer = send(form, request)
    spent = time.process_time() - begin
    assert answer.status < 500
    return 0.0 if answer.status == 200 else spent  # what is accepted costs what its objects cost


def is_super_linear(send: Send, one: Candidate, harmless: float) -> bool:
    """Whether the larger request takes too long, or far longer than the smaller one.

    A busy machine only adds to a time: so the best time of the larger request is compared with the worst of others.
    A smaller request that is refused at its first bytes counts as much as a harmless one of its size.
    """
    small, large = one.request(one.size), one.request(4 * one.size)
    before, after = harmless / 4, math.inf
    for _ in range(RUNS):
        before, after = max(before, seconds(send, one.form, small)), min(after, seconds(send, one.form, large))
        if after < MOMENT + min(MOST_GROWTH * before, MOST_TIMES_HARMLESS * harmless):
            return False
    return True


def test_no_candidate_costs_more_than_a_multiple_of_its_bytes(figures: Figures) -> None:
    seed = int(os.environ.get("CHAOS_SEED", "1"))
    end = time.monotonic() + 60 * float(os.environ.get("CHAOS_MINUTES", "0"))
    found: list[Candidate] = []
    fruitful: list[Candidate] = []
    tried = 0
    with varied_dispatcher() as send:
        harmless = {
            (form, size): max([_accepted(send, form, one.request(4 * size)) for _ in range(4)][1:])
            for form, one in HARMLESS.items()
            for size in SIZES
        }
        for one in candidates(random.Random(seed), fruitful):
            tried += 1
            usual = harmless[one.form, one.size]
            if seconds(send, one.form, one.request(4 * one.size)) > 2 * usual:
                fruitful.append(one)
                if is_super_linear(send, one, usual):
                    found.append(one)
                    figures.add(f"find {len(found)}, after {tried} candidates", repr(one))
            if tried >= CANDIDATES and time.monotonic() > end:
                break
    figures.add("candidates tried, that took twice as long as a harmless request", f"{tried}, {len(fruitful)}")
    assert found == []


def _accepted(send: Send, form: str, request: bytes) -> float:
    begin = time.process_time()
    assert send(form, request).status == 200
    return time.process_time() - begin


@pytest.mark.parametrize("form", PIECES)
def test_a_candidate_whose_cost_is_a_square_would_be_found(form: str) -> None:
    def send(form: str, request: bytes) -> Response:
        work = len(request) ** 2 // 2000
        while work > 0:
            work -= 1
        return Response(status=422, content_type="", body=b"")

    assert is_super_linear(send, Candidate(form, "text", b"0", BRACKETS[form][0]), harmless=1e-4)
