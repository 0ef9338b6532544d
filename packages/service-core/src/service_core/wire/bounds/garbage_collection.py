"""What makes large values quick: no garbage collector meanwhile, and memory that is there for the next one.

The collector is called for every few hundred new objects and looks at all that are young, although none of a value
that is being read can be garbage yet. For a list of 10,000 models that took a third of the time. msgpack's
documentation advises to do without it, too.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable
from typing import Final, TypeVar, TypeVarTuple

A = TypeVarTuple("A")
R = TypeVar("R")

LARGE: Final = 64 * 1024
"""From how many bytes on it is worth while."""

_KEPT: Final = 3 * 1024 * 1024

# glibc gives free memory at the end of its heap back to the system, and the next value takes it anew, page by page:
# more than half of a server's time for a call with 1 MB. How much it keeps depends on the largest block that was
# freed: up to twice its size (mallopt(3), M_MMAP_THRESHOLD). So here is one, whose pages are never touched; 6 MB are
# what 1 MB needs on its way. Elsewhere it has no effect.
bytes(_KEPT)


def without_collection(work: Callable[[*A], R], *args: *A) -> R:
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


_LONG_TEXT: Final = 1024 * 1024
_MANY: Final = 4096
_LEVELS: Final = 2
_TEXTS: Final = (str, bytes)
_COLLECTIONS: Final = (list, dict, tuple, set, frozenset, deque)
_SIZED: Final[dict[type, int]] = {**dict.fromkeys(_TEXTS, _LONG_TEXT), **dict.fromkeys(_COLLECTIONS, _MANY)}
_WITHOUT_PARTS: Final = frozenset({int, float, bool, type(None)})
_NONE: Final[dict[str, object]] = {}


def has_many_values(value: object, levels: int = _LEVELS) -> bool:
    """Whether a value is a long text, list or map, or an object that has one; those in lists and maps do not count.

    It takes milliseconds to write one. The time for the answer does not grow with the value.
    """
    if isinstance(value, _TEXTS):
        return len(value) >= _LONG_TEXT
    if isinstance(value, _COLLECTIONS):
        return len(value) >= _MANY
    fields: dict[str, object] = getattr(value, "__dict__", _NONE) if levels else _NONE
    for field in fields.values():
        # Most are of these kinds, and a call for each field of each result would take longer than to write it.
        kind = type(field)
        if kind in _SIZED:
            if len(field) >= _SIZED[kind]:  # type: ignore[arg-type]
                return True
        elif kind not in _WITHOUT_PARTS and has_many_values(field, levels - 1):
            return True
    return False
