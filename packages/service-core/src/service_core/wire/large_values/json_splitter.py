"""Lists and objects of JSON, cut at their commas.

What is cut is not parsed: a piece is a text without open strings and brackets, and whether it is JSON its reader says.
No step takes more than some milliseconds, since regular expressions hold the interpreter's lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final

from pydantic_core import from_json, to_json

from service_core.errors import ArgumentException
from service_core.wire.bounds.bounded import HashCounter
from service_core.wire.bounds.infinite import may_be_infinite
from service_core.wire.bounds.json_windows import JSON_WINDOW, window_end, without_escapes
from service_core.wire.bounds.limits import MAX_DEPTH
from service_core.wire.codec import MalformedData
from service_core.wire.large_values.json_patterns import LAST, LAST_RUN, ONE, RUN, STRING, deep
from service_core.wire.large_values.splitter import ITEMS, LIST, MAP, Run, Span, Splitter, spliced
from service_core.wire.values import WireType

_NEAR: Final = 2 * 1024
"""Bytes in which the end of a long item is looked for."""
_FIRST: Final = 128
"""Bytes that are looked at first for the end of an item, so that short items cost no more than their bytes."""
_FLAT: Final = re.compile(rb'[^\[\]{}"]*+')
_SHORT: Final = 8 * 1024
"""Bytes of a piece of numbers, which are not matched one by one, and of items that are nested deeply."""
_MARK: Final = re.compile(STRING + rb'|[\[\]{},"]', re.DOTALL)
_REST: Final = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
"""A string but for its first byte, or bytes."""
_NO_BRACKETS: Final = bytes(set(range(256)).difference(b"[]{}"))
_STEPS: Final = {**dict.fromkeys(b"[{", 1), **dict.fromkeys(b"]}", -1)}
"""How many levels deeper a bracket leads."""
_KEY: Final = re.compile(rb"\s*+(" + STRING + rb")\s*+:", re.DOTALL)
_NOTHING: Final = re.compile(rb"[ \t\r\n]*+(?:,|\Z)")
_BLANKS: Final = re.compile(rb"[ \t\r\n]*+")
_BLANK: Final = b" \t\r\n"
_KINDS: Final = {b"[": LIST, b"{": MAP}
_COMMA: Final = ord(",")
_BRACKETS: Final = {LIST: (b"[", b"]"), MAP: (b"{", b"}")}


class JSONSplitter(Splitter):
    """A text in JSON."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def whole(self) -> Span:
        """The text without the blanks around it."""
        return self._trimmed(0, len(self._data))

    def kind(self, span: Span) -> str:
        """By the first byte."""
        return _KINDS.get(self._data[span[0] : span[0] + 1], "")

    def runs(self, span: Span) -> Iterator[Run]:
        """What is between the brackets."""
        at, end = span[0] + 1, span[1] - 1
        if self._data[end : end + 1] != _BRACKETS[self.kind(span)][1]:
            raise MalformedData("not valid JSON: a list or an object does not end")
        if _BLANKS.fullmatch(self._data, at, end):
            return
        if self._data[end - 1 : end] == b",":
            raise _nothing()
        while at < end:
            if _NOTHING.match(self._data, at, end):
                raise _nothing()
            stop = self._end_of_numbers(at, end)
            run = Run(start=at, end=stop, count=0) if stop else self._run(at, end)
            yield run
            at = run.end

    def singles(self, kind: str, run: Run) -> Iterator[Run]:
        """From comma to comma."""
        if run.count == 1:
            yield run
            return
        at = run.start
        for stop in self._ends(run):
            yield Run(start=at, end=stop)
            at = stop

    def count(self, run: Run) -> int:
        """Those that end with a comma or with the run."""
        if run.count:
            return run.count
        if _FLAT.fullmatch(self._data, run.start, run.end):
            return self._data.count(b",", run.start, run.end - 1) + 1
        return sum(1 for _ in self._ends(run))

    def _ends(self, run: Run) -> Iterator[int]:
        at = run.start
        while at < run.end:
            stop = min(run.end, at + JSON_WINDOW)
            one = (LAST if stop == run.end else ONE).match(self._data, at, stop)
            at = self._end_of_item(at, run.end) if one is None else one.end()
            yield at

    def item(self, run: Run) -> Span:
        """Without comma and blanks."""
        return self._trimmed(run.start, run.end - self._data.endswith(b",", run.start, run.end))

    def pair(self, run: Run) -> tuple[Any, Span]:
        """A key has to be parsed, since it may have escapes."""
        key = _KEY.match(self._data, run.start, run.end)
        if key is None:
            raise MalformedData("not valid JSON: a member of an object has no name")
        return self.plain(key[1]), self.item(Run(start=key.end(), end=run.end))

    def document(self, kind: str, run: Run, replaced: Sequence[Span] = ()) -> bytes:
        """The items without the last comma, in brackets."""
        opening, closing = _BRACKETS[kind]
        end = run.end - self._data.endswith(b",", run.start, run.end)
        return b"".join((opening, self.text((run.start, end), replaced), closing))

    def named(self, values: Mapping[str, Span]) -> bytes:
        """The values as they came, in braces."""
        members = (b"%s:%s" % (to_json(name), self.text(span)) for name, span in values.items())
        return b"{%s}" % b",".join(members)

    def text(self, span: Span, replaced: Sequence[Span] = ()) -> bytes:
        """A part of the text."""
        return spliced(self._data, span, replaced, to_json) if replaced else self._data[slice(*span)]

    def plain(self, document: bytes) -> Any:
        """Without NaN and infinity."""
        try:
            return from_json(document, allow_inf_nan=False)
        except ValueError as error:
            raise MalformedData(f"not valid JSON: {error}") from None

    def read(self, wire: WireType, document: bytes, counter: HashCounter | None = None) -> Any:
        """By pydantic, which takes NaN for a number."""
        if may_be_infinite(document):
            self.plain(document)
        try:
            return wire.from_json(document, counter)
        except ArgumentException as error:
            reason = not_json(error)
            if reason is None:
                raise
            raise MalformedData(reason.partition(" at line ")[0]) from None  # which is that of the piece

    def read_plain(self, wire: WireType, data: Any) -> None:
        """As JSON once more, which is read by other rules than Python's values."""
        wire.from_json(to_json(data))

    def _trimmed(self, start: int, end: int) -> Span:
        data = self._data
        while start < end and data[start] in _BLANK:
            start += 1
        while start < end and data[end - 1] in _BLANK:
            end -= 1
        return start, end

    def _end_of_numbers(self, at: int, end: int) -> int:
        """The end of a piece without strings and brackets; 0 if it would be short."""
        stop = _FLAT.match(self._data, at, min(end, at + _SHORT)).end()  # type: ignore[union-attr]
        if stop < end:
            stop = self._data.rfind(b",", at, stop) + 1
        return stop if stop > at + ITEMS else 0

    def _run(self, start: int, end: int) -> Run:
        """Some items, or one that is longer."""
        at, most, count = start, min(end, start + _SHORT), 0
        while at < most:
            stop = min(end, at + JSON_WINDOW)
            run = (LAST_RUN if stop == end else RUN).match(self._data, at, stop)
            if run is not None:
                return Run(start=start, end=run.end(), count=0)
            at, count = self._end_of_item(at, end), count + 1
        return Run(start=start, end=at, count=count)

    def _end_of_item(self, at: int, end: int) -> int:
        """The end of an item that is long or nested deeply, its comma included."""
        window = min(end, at + JSON_WINDOW)
        if one := deep(window == end).match(self._data, at, window):
            return one.end()
        depth, in_string, size, is_near = 0, False, _FIRST, False
        while at < end:
            stop = window_end(self._data, at, end, size)
            parts = without_escapes(self._data[at:stop]).split(b'"')
            outside = b"".join(parts[in_string::2])
            brackets = outside.translate(None, _NO_BRACKETS)
            levels = list(accumulate(map(_STEPS.__getitem__, brackets), initial=depth))
            if max(levels) > MAX_DEPTH:
                raise MalformedData(f"nested deeper than {MAX_DEPTH} levels")
            may_end = min(levels) <= 0 and b"," in outside
            if may_end and size > _NEAR:
                size, is_near = _NEAR, True  # since brackets are looked at one by one then
                continue
            if may_end and (comma := self._comma(at, stop, depth, in_string=in_string)):
                return comma
            at, depth, in_string = stop, levels[-1], in_string is (len(parts) % 2 == 1)
            size = size if is_near else min(2 * size, JSON_WINDOW)
        if depth or in_string:
            raise _unbalanced()
        return at

    def _comma(self, at: int, end: int, depth: int, *, in_string: bool) -> int:
        """Where the first comma outside of brackets ends; 0 if there is none. ``depth`` is that of the first byte."""
        if in_string:
            rest = _REST.match(self._data, at, end)
            at = end if rest is None else rest.end()
        for mark in _MARK.finditer(self._data, at, end):
            byte = self._data[mark.start()]
            depth += _STEPS.get(byte, 0)
            if depth < 0:
                raise _unbalanced()
            if byte == _COMMA and depth == 0:
                return mark.end()
            if mark[0] == b'"':  # the window ends in a string
                return 0
        return 0


def not_json(error: ArgumentException) -> str | None:
    """Why a text that was to be read is no JSON; None if it was, and only the value was wrong."""
    if not error.details or error.details[0]["type"] != "json_invalid":
        return None
    return f"not valid JSON: {error.details[0]['msg'].removeprefix('Invalid JSON: ')}"


def _unbalanced() -> MalformedData:
    return MalformedData("not valid JSON: strings or brackets are not balanced")


def _nothing() -> MalformedData:
    return MalformedData("not valid JSON: a comma without an item")
