"""Work on large values without the garbage collector.

It is called for every few hundred new objects and looks at all that are young, although none of a value that is being
read can be garbage yet. For a list of 10,000 models that took a third of the time. msgpack's documentation advises to
do without it, too.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Final, TypeVar, TypeVarTuple

__all__ = ["LARGE", "uncollected"]

A = TypeVarTuple("A")
R = TypeVar("R")

LARGE: Final = 64 * 1024
"""From how many bytes on it is worth while."""


def uncollected(work: Callable[[*A], R], *args: *A) -> R:
    """The result of ``work``, during which no collection begins in this process, unless another thread allows it.

    A collector that was off before is left alone.
    """
    if not gc.isenabled():
        return work(*args)
    gc.disable()
    try:
        return work(*args)
    finally:
        gc.enable()
