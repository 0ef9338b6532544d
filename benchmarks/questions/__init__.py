"""One file per question; together they ask for every row of the table of goals."""

from typing import Final

from benchmarks.entries import Question
from benchmarks.questions import (
    asynchronous,
    discovery,
    hello,
    in_flight,
    overhead,
    payload,
    rest,
    startup,
    streams,
    threads,
    values,
    worker,
)

__all__ = ["ALL"]

ALL: Final[tuple[Question, ...]] = tuple(
    module.QUESTION
    for module in (
        hello,
        values,
        worker,
        asynchronous,
        in_flight,
        rest,
        threads,
        payload,
        streams,
        overhead,
        startup,
        discovery,
    )
)
"""In the order of the table."""
