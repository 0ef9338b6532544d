"""Large values, read in pieces, so that other threads run meanwhile.

pydantic and msgpack hold the interpreter's lock while they read, half a second for some values of 16 MB. So large lists
and maps are read some items at a time, and what is around them afterwards, with the finished lists in their places. The
value is the one that reading at once gives, and a wrong one is refused with the same places. What has no such parts (a
text, an item of a union, what a function sees before it is read) is read at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from service_core.wire.codec import MalformedData
from service_core.wire.large_values.containers import Joined, container, fixed_items, object_fields
from service_core.wire.large_values.outline import Outline, Part, outline_of
from service_core.wire.large_values.placeholders import SchemaPath, Wrong, filled
from service_core.wire.large_values.splitter import LIST, MAP, Run, Span, Splitter
from service_core.wire.values import WireType

LONG: Final = 256 * 1024
"""From how many bytes on a value is read in pieces."""
READ_PIECE: Final = 64 * 1024
"""How many bytes are read at once, if they can be parted."""
_LEVELS: Final = 6
"""How many containers in each other are parted."""
_MOST_HOLES: Final = 16
"""How many containers of one value are parted, apart from those in parted ones."""
_WRAPPERS: Final = frozenset({"nullable", "default", "function-after", "definitions"})


def read_in_pieces(wire: WireType, splitter: Callable[[], Splitter]) -> tuple[Any] | None:
    """The value, in a tuple; None if it has to be read at once, which also is so for what is malformed.

    Raises ArgumentException.
    """
    try:
        cut = splitter()
        reader = _Reader(cut, wire)
        holes = reader.holes(cut.whole, outline_of(wire), _LEVELS)
        return (reader.read(cut.whole, outline_of(wire), holes, is_whole=True),) if holes else None
    except MalformedData:
        return None


@dataclass(frozen=True, slots=True)
class _Hole:
    path: SchemaPath
    span: Span
    value: Any


class _Reader:
    def __init__(self, splitter: Splitter, wire: WireType) -> None:
        self._splitter = splitter
        self._counter = wire.counter()

    def read(self, span: Span, outline: Outline, holes: list[_Hole], *, is_whole: bool = False) -> Any:
        wire = outline.with_holes(tuple(hole.path for hole in holes), is_whole=is_whole)
        with filled([hole.value for hole in holes]):
            return self._splitter.read(wire, self._splitter.text(span, [hole.span for hole in holes]), self._counter)

    def holes(self, span: Span, outline: Outline, levels: int) -> list[_Hole]:
        """The large containers in a value, read; in order."""
        found = list(self._found(span, outline, (), levels))
        if len(found) > _MOST_HOLES or len({hole.path for hole in found}) < len(found):  # a field that comes twice
            raise MalformedData("to be read at once")
        return found

    def _found(self, span: Span, outline: Outline, path: SchemaPath, levels: int) -> Iterator[_Hole]:
        kind = self._splitter.kind(span)
        if not kind or span[1] - span[0] <= READ_PIECE or not levels:
            return
        while outline.schema["type"] in _WRAPPERS:
            outline, path = outline.of(outline.schema["schema"]), (*path, "schema")
        if part := container(outline, kind):
            yield _Hole(path, span, self._collected(span, kind, outline, part, levels - 1))
        elif kind == LIST:
            yield from self._in_items(span, fixed_items(outline), path, levels - 1)
        elif kind == MAP:
            yield from self._in_fields(span, object_fields(outline), path, levels - 1)

    def _in_items(self, span: Span, items: list[Outline], path: SchemaPath, levels: int) -> Iterator[_Hole]:
        for index, one in enumerate(self._splitter.pieces(span, LIST, 0) if items else ()):
            if index == len(items):
                return
            yield from self._found(self._splitter.item(one), items[index], (*path, "items_schema", index), levels)

    def _in_fields(
        self, span: Span, fields: Mapping[str, tuple[SchemaPath, Outline]], path: SchemaPath, levels: int
    ) -> Iterator[_Hole]:
        """What is in the large members; none of them may come twice."""
        seen = set[str]()
        for one in self._splitter.pieces(span, MAP, READ_PIECE) if fields else ():
            if one.end - one.start <= READ_PIECE:
                names = fields.keys() & self._splitter.plain(self._splitter.document(MAP, one))
            else:
                name, inner = self._splitter.pair(one)
                names = {name} if name in fields else set()
                for name in names:
                    where, field = fields[name]
                    yield from self._found(inner, field, (*path, *where), levels)
            if names & seen:
                raise MalformedData("to be read at once")
            seen |= names

    def _collected(self, span: Span, kind: str, outline: Outline, part: Part, levels: int) -> Any:
        joined = Joined(outline, kind)
        runs = self._splitter.pieces(span, kind, READ_PIECE)
        try:
            for one in runs:
                self._add(joined, kind, one, part, levels)
        except MalformedData:
            raise
        except Exception as error:  # noqa: BLE001 - a validator of the user's may raise any error
            for one in runs:  # the rest may be malformed, which counts for more
                self._splitter.plain(self._splitter.document(kind, one))
            return Wrong(error)
        return joined.value

    def _add(self, joined: Joined, kind: str, one: Run, part: Part, levels: int) -> None:
        if one.end - one.start <= READ_PIECE:
            document, wire = self._splitter.document(kind, one), part.pieces(kind)
            with joined.placed():
                joined.add(self._splitter.read(wire, document, self._counter))
        elif kind == LIST:
            span = self._splitter.item(one)
            holes = self.holes(span, part.items, levels)
            with joined.placed(is_one=True):
                joined.add([self.read(span, part.items, holes)])
        else:
            _, span = self._splitter.pair(one)
            holes = self.holes(span, part.items, levels)
            with filled([hole.value for hole in holes]):
                document = self._splitter.document(kind, one, [hole.span for hole in holes])
                joined.add(
                    self._splitter.read(part.pair_with_holes([hole.path for hole in holes]), document, self._counter)
                )
