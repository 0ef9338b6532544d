"""Envelopes of large requests in any form that is allowed: only their small members are parsed.

The arguments are cut out, by place as a list, by name as a map, and read as any large value is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from service_core.arguments import Arguments
from service_core.wire.codec import MalformedData, WireRequest, by_name, envelope_of_request
from service_core.wire.large_values.reading import READ_PIECE
from service_core.wire.large_values.splitter import LIST, MAP, Span, Splitter
from service_core.wire.methods.arguments import ArgumentTypes
from service_core.wire.values import WireType

_ARGUMENTS: Final = ("args", "kwargs")
_EMPTY: Final[dict[str, Any]] = {LIST: [], MAP: {}}


@dataclass(frozen=True, slots=True)
class CutArguments:
    """Arguments that are yet to be read."""

    document: bytes
    """A list, or a map by name."""
    names: tuple[str, ...] | None = None
    """The names in the map; None for a list."""

    def read(self, types: ArgumentTypes, read: Callable[[WireType, bytes], Any]) -> Arguments:
        """The arguments. Raises MalformedData, ArgumentException, ContractMismatchException."""
        if self.names is None:
            return types.placed(read(types.all, self.document))
        types.check(self.names)
        return types.in_order(read(types.named, self.document))


def cut_request(splitter: Splitter) -> WireRequest:
    """The request in a large envelope. Raises MalformedData."""
    known, large = _members(splitter)
    if not large:
        return envelope_of_request(known)
    request = envelope_of_request(known | {name: _EMPTY.get(splitter.kind(span)) for name, span in large.items()})
    ((name, span),) = large.items()
    if name == "kwargs":
        names = tuple(_names(splitter, span))
        return WireRequest(request.method, CutArguments(splitter.text(span), names), None, request.fields)
    return WireRequest(request.method, cut_arguments(splitter, span, request.names), None, request.fields)


def cut_arguments(splitter: Splitter, span: Span, names: Any) -> CutArguments:
    """The arguments in a list, by name if there are ``names``. Raises MalformedData."""
    if names is None:
        return CutArguments(splitter.text(span))
    most = len(names) + 1 if isinstance(names, list) else 0
    spans = [splitter.item(one) for one in islice(splitter.pieces(span, LIST, 0), most)]
    given: dict[str, Span] = by_name(WireRequest("", spans, names))
    return CutArguments(splitter.named(given), tuple(given))


def _members(splitter: Splitter) -> tuple[dict[Any, Any], dict[str, Span]]:
    """The small members, and where the arguments stand if they are large."""
    whole = splitter.whole
    if splitter.kind(whole) != MAP:
        raise MalformedData("the request must be a map with 'method' and 'args'")
    known, large = dict[Any, Any](), dict[str, Span]()
    for one in splitter.pieces(whole, MAP, READ_PIECE):
        if one.end - one.start <= READ_PIECE:
            known.update(splitter.plain(splitter.document(MAP, one)))
            continue
        name, span = splitter.pair(one)
        if name not in _ARGUMENTS:
            raise MalformedData(f"the request has a member of more than {READ_PIECE} bytes beside its arguments")
        if name in large:
            raise MalformedData("the request has its arguments twice")
        large[name] = span
    if large.keys() & known.keys():
        raise MalformedData("the request has its arguments twice")
    return known, large


def _names(splitter: Splitter, span: Span) -> Iterator[str]:
    for one in splitter.pieces(span, MAP, READ_PIECE):
        is_small = one.end - one.start <= READ_PIECE
        for name in splitter.plain(splitter.document(MAP, one)) if is_small else (splitter.pair(one)[0],):
            if not isinstance(name, str):
                raise MalformedData("the names of arguments must be strings")
            yield name
