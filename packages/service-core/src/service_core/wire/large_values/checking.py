"""Requests of many small values, checked before they are made.

A model of a few bytes is some hundred bytes of memory, and a wrong value at the end of a list is found when all before
it have been made. So the pieces of such a request are read and dropped one after the other; what is refused then has
taken little memory, and only what is accepted costs what its objects cost. A piece is some items of a list or dict, or
the small members of an object; larger ones are cut further.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from service_core.errors import ArgumentException
from service_core.wire.bounds.garbage_collection import LARGE
from service_core.wire.codec import Codec, MalformedData
from service_core.wire.large_values.outline import Outline, Part, outline_of
from service_core.wire.large_values.splitter import LIST, MAP, PIECE, Run, Span, Splitter
from service_core.wire.methods.arguments import ArgumentTypes
from service_core.wire.types.error_locations import message_of
from service_core.wire.values import WireType

_LEVELS: Final = 6
"""How many times a value is cut further; each level copies a part of the request."""
_FEW: Final = 4 * 1024
"""Bytes of members of an object that are read together."""
_MEMBERS: Final = frozenset({"method", "names", "fields", "args", "kwargs"})


@dataclass(frozen=True, slots=True)
class _Item:
    """An item of a list, whose index is counted if it is wrong."""

    container: Span
    run: Run


Path: TypeAlias = tuple[Any, ...]
"""Where a value stands: keys, names and items."""


def check_value(codec: Codec, wire: WireType, data: bytes) -> None:
    """Check a value of a type if it needs far more memory than its bytes. Raises MalformedData, ArgumentException."""
    splitter = _splitter(codec, data)
    if splitter is not None:
        path = (wire.at,) if wire.at else ()
        _Check(splitter, wire.where).value(splitter.whole, outline_of(wire), path)


def check_request(codec: Codec, data: bytes, find: Callable[[str], ArgumentTypes]) -> str | None:
    """Check the request of a call if it needs far more memory than its bytes; the method that it names, None if not.

    ``find`` gives the arguments of a method, or raises. Raises MalformedData, ArgumentException, and
    ContractMismatchException for arguments that the method does not have.
    """
    splitter = _splitter(codec, data)
    return None if splitter is None else _checked_method(splitter, find)


def _splitter(codec: Codec, data: bytes) -> Splitter | None:
    return codec.splitter(data) if len(data) >= LARGE and codec.is_dense(data) else None


def _checked_method(splitter: Splitter, find: Callable[[str], ArgumentTypes]) -> str:
    known, large = _Check(splitter, "the request").members(splitter.whole, _MEMBERS)
    method = known.get("method")
    if not isinstance(method, str):
        raise MalformedData("the request must have 'method', a string")
    types = find(method)
    check = _Check(splitter, types.where)
    for name, span in large:
        if name == "args":
            check.arguments(span, known.get("names"), types)
        elif name in ("method", "names", "fields"):
            raise MalformedData(f"the request has a '{name}' of more than {_FEW} bytes")
        else:
            outline = outline_of(types.named)
            check.value(span, outline if name == "kwargs" else outline.unknown, ())
    return method


class _Check:
    def __init__(self, splitter: Splitter, where: str) -> None:
        self._splitter = splitter
        self._where = where

    def value(self, span: Span, outline: Outline, path: Path, levels: int = _LEVELS) -> None:
        kind = self._splitter.kind(span)
        if not kind or span[1] - span[0] <= PIECE or not levels:
            self._read(outline.wire, self._splitter.text(span), path)
            return
        part = outline.part_for(kind)
        if part is None:
            next(self._splitter.runs(span), None)  # raises if it does not even end
            nothing = self._splitter.document(kind, Run(start=0, end=0, count=0))
            self._read(outline.wire, nothing, path)
        elif part.fields is None:
            self._items(span, kind, part, path, levels)
        else:
            self._object(span, part, part.fields, path, levels)

    def arguments(self, span: Span, names: Any, types: ArgumentTypes) -> None:
        """Check a list of arguments that belong to ``names``."""
        if self._splitter.kind(span) != LIST:
            raise MalformedData("'args' must be a list")
        order: Any = types.names if names is None else names
        if names is not None:
            if not isinstance(names, list) or not all(isinstance(name, str | None) for name in names):
                raise MalformedData("'names' must be a list of strings")
            types.check([name for name in names if name is not None])
        known, large = dict[str, Any](), list[tuple[str, Span]]()
        for index, one in enumerate(self._splitter.pieces(span, LIST, 0)):
            if index == len(order):
                raise ArgumentException(f"{types.where}: there are more than {index} arguments")
            inner = self._splitter.item(one)
            if one.end - one.start > _FEW:
                large.append((order[index], inner))
            elif order[index] is not None:
                known[order[index]] = self._splitter.plain(self._splitter.text(inner))
        part = outline_of(types.named).part_for(MAP)
        if part is not None and part.fields is not None:
            self._fields(known, large, part, part.fields, (), _LEVELS)

    def members(
        self, span: Span, names: Set[Any], *, one_other: bool = False
    ) -> tuple[dict[Any, Any], list[tuple[Any, Span]]]:
        """The small members of a map that have one of the names, and where the values of large members stand.

        With ``one_other`` one that has none of the names is among the small ones, if there is any.
        """
        if self._splitter.kind(span) != MAP:
            raise MalformedData("the request must be a map with 'method' and 'args'")
        known, large = dict[Any, Any](), list[tuple[Any, Span]]()
        for one in self._splitter.pieces(span, MAP, _FEW):
            if one.end - one.start > _FEW:
                large.append(self._splitter.pair(one))
                continue
            members = self._splitter.plain(self._splitter.document(MAP, one))
            known.update((name, members[name]) for name in members if name in names)
            if one_other and len(others := members.keys() - names):
                known[others.pop()] = None
                one_other = False
        return known, large

    def _items(self, span: Span, kind: str, part: Part, path: Path, levels: int) -> None:
        splitter, last = self._splitter, b""
        for one in self._splitter.pieces(span, kind, PIECE):
            if one.end - one.start <= PIECE:
                document = splitter.document(kind, one)
                if document != last:  # many objects of one byte are the same ones
                    self._read(part.pieces(kind), document, path, _Item(span, one) if kind == LIST else None)
                last = document
            elif kind == LIST:
                self.value(splitter.item(one), part.items, (*path, _Item(span, one)), levels - 1)
            else:
                key, inner = splitter.pair(one)
                self.value(inner, part.items, (*path, key), levels - 1)

    def _object(self, span: Span, part: Part, fields: Mapping[str, Outline], path: Path, levels: int) -> None:
        known, large = self.members(span, fields.keys(), one_other=part.refuses_others)
        self._fields(known, large, part, fields, path, levels)

    def _fields(
        self,
        known: dict[Any, Any],
        large: list[tuple[Any, Span]],
        part: Part,
        fields: Mapping[str, Outline],
        path: Path,
        levels: int,
    ) -> None:
        """Check the members of an object: first the small ones, which say whether any is missing or not known."""
        others = [name for name, _ in large if name not in fields]
        known.update(dict.fromkeys(others[:1] if part.refuses_others else ()))
        wire = part.partial(frozenset(name for name, _ in large if name in fields))
        self._located(lambda: self._splitter.read_plain(wire, known), path)
        for name, inner in large:
            self.value(inner, fields.get(name, part.unknown), (*path, name), levels - 1)

    def _read(self, wire: WireType, document: bytes, path: Path, first: _Item | None = None) -> None:
        self._located(lambda: self._splitter.read(wire, document), path, first)

    def _located(self, read: Callable[[], None], path: Path, first: _Item | None = None) -> None:
        """Read a piece; an error has the place in the whole value. ``first`` is the first of several items."""
        try:
            read()
        except ArgumentException as error:
            if not error.details:
                raise
            begin = [self._index(one) if isinstance(one, _Item) else one for one in path]
            offset = 0 if first is None else self._index(first)
            details = [{**one, "loc": [*begin, *_shifted(one["loc"], offset)]} for one in error.details]
            raise ArgumentException(message_of(self._where, details, len(details)), details=details) from None

    def _index(self, item: _Item) -> int:
        """How many items stand in front of it."""
        count = 0
        for run in self._splitter.runs(item.container):
            if run.end <= item.run.start:
                count += self._splitter.count(run)
            elif run.start < item.run.start:
                count += sum(1 for one in self._splitter.singles(LIST, run) if one.start < item.run.start)
            else:
                break
        return count


def _shifted(loc: list[Any], offset: int) -> list[Any]:
    return [loc[0] + offset, *loc[1:]] if loc and isinstance(loc[0], int) else loc
