"""The patterns of items in JSON, which end where their brackets and strings end.

All repetitions are possessive, so a match takes time in proportion to its bytes, and so does one that fails.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from service_core.wire.large_values.splitter import ITEMS

_LEVELS: Final = 5
"""How deep the items of a run are nested at most; deeper ones are cut one by one."""
_DEEP_LEVELS: Final = 64
"""How deep those are nested at most; deeper ones are cut bracket by bracket."""
STRING: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'


def _nested(levels: int) -> bytes:
    """The pattern of a list or object of so many levels."""
    inner = STRING if levels == 1 else STRING + rb"|" + _nested(levels - 1)
    return rb'[\[{][^\[\]{}"\\]*+(?:(?:' + inner + rb')[^\[\]{}"\\]*+)*+[\]}]'


# A backslash outside of strings is no JSON: it ends a match at once, or all that follows would be taken for a string.
def _value(levels: int) -> bytes:
    return rb'(?:[^\[\]{}",\\]++|' + STRING + rb"|" + _nested(levels) + rb")++"


@cache
def deep(is_last: bool) -> re.Pattern[bytes]:
    """The pattern of an item that is nested deeply, compiled for the first one, which takes 20 ms."""
    return re.compile(_value(_DEEP_LEVELS) + (rb"(?:,|\Z)" if is_last else rb","), re.DOTALL)


_VALUE: Final = _value(_LEVELS)
ONE: Final = re.compile(_VALUE + rb",", re.DOTALL)
LAST: Final = re.compile(_VALUE + rb"(?:,|\Z)", re.DOTALL)
RUN: Final = re.compile(rb"(?:" + _VALUE + rb",){1,%d}+" % ITEMS, re.DOTALL)
LAST_RUN: Final = re.compile(rb"(?:" + _VALUE + rb"(?:,|\Z)){1,%d}+" % ITEMS, re.DOTALL)
