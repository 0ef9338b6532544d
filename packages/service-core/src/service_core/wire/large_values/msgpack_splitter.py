"""Lists and maps of msgpack, cut where their items begin. Nothing is made: msgpack skips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from service_core.wire.bounds.bounded import HashCounter
from service_core.wire.bounds.garbage_collection import LARGE
from service_core.wire.bounds.limits import Buffer
from service_core.wire.bounds.msgpack_windows import Skipper
from service_core.wire.large_values.splitter import ITEMS, LIST, MAP, Run, Span, Splitter, spliced
from service_core.wire.msgpack_io import check_outline, pack, unpack
from service_core.wire.values import WireType

_KINDS: Final = {
    **dict.fromkeys((*range(0x90, 0xA0), 0xDC, 0xDD), LIST),
    **dict.fromkeys((*range(0x80, 0x90), 0xDE, 0xDF), MAP),
}
_LONG_HEADERS: Final = {LIST: b"\xdd", MAP: b"\xdf"}
_VALUES: Final = {LIST: 1, MAP: 2}
"""How many values an item is."""


class MsgpackSplitter(Splitter):
    """A value in msgpack."""

    def __init__(self, data: Buffer) -> None:
        """Raises MalformedData if it is no msgpack, or nested too deep."""
        check_outline(data)
        self._data = memoryview(data)

    @property
    def whole(self) -> Span:
        """All of it."""
        return 0, len(self._data)

    def kind(self, span: Span) -> str:
        """By the first byte."""
        return _KINDS.get(self._data[span[0]], "")

    def runs(self, span: Span) -> Iterator[Run]:
        """The items after the header."""
        skipper, kind = self._skipper(span), self.kind(span)
        left = skipper.enter(is_map=kind == MAP)
        at = skipper.position
        while left:
            count = min(ITEMS, left)
            skipper.skip(count * _VALUES[kind])
            stop = skipper.position
            yield Run(start=span[0] + at, end=span[0] + stop, count=count)
            at, left = stop, left - count

    def singles(self, kind: str, run: Run) -> Iterator[Run]:
        """One after the other."""
        skipper, at = self._skipper((run.start, run.end)), 0
        for _ in range(run.count):
            skipper.skip(_VALUES[kind])
            stop = skipper.position
            yield Run(start=run.start + at, end=run.start + stop)
            at = stop

    def count(self, run: Run) -> int:
        """As the header says."""
        return run.count

    def item(self, run: Run) -> Span:
        """All of the run."""
        return run.start, run.end

    def pair(self, run: Run) -> tuple[Any, Span]:
        """The value begins where the key ends."""
        skipper = self._skipper((run.start, run.end))
        skipper.skip()
        middle = run.start + skipper.position
        return unpack(self._data[run.start : middle]), (middle, run.end)

    def document(self, kind: str, run: Run, replaced: Sequence[Span] = ()) -> bytes:
        """The items after a header."""
        count = run.count.to_bytes(4, "big")
        return b"".join((_LONG_HEADERS[kind], count, self.text((run.start, run.end), replaced)))

    def named(self, values: Mapping[str, Span]) -> bytes:
        """The values as they came, after a header."""
        members = (part for name, span in values.items() for part in (pack(name, ""), self._data[slice(*span)]))
        return b"".join((_LONG_HEADERS[MAP], len(values).to_bytes(4, "big"), *members))

    def text(self, span: Span, replaced: Sequence[Span] = ()) -> bytes:
        """A part of the bytes."""
        return (
            spliced(self._data, span, replaced, partial(pack, where=""))
            if replaced
            else bytes(self._data[slice(*span)])
        )

    def plain(self, document: bytes) -> Any:
        """By msgpack, with its limits."""
        return unpack(document)

    def read(self, wire: WireType, document: bytes, counter: HashCounter | None = None) -> Any:
        """Unpacked first."""
        return wire.from_plain(unpack(document), counter, is_large=len(document) >= LARGE)

    def read_plain(self, wire: WireType, data: Any) -> None:
        """At once."""
        wire.from_plain(data)

    def _skipper(self, span: Span) -> Skipper:
        return Skipper(self._data[slice(*span)])
