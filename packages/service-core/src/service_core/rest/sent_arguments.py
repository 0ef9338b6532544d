"""The header in which a REST client lists the arguments that it sends, and what the server makes of it.

A query has no room for what a call of an interface means: an argument that is not given looks like None, and a
parameter that the server does not know is ignored, as any API does. So our clients send ``x-arguments: limit:i,-tags``:
the name of each argument and the JSON types of its parameter, or a name after ``-`` if the argument is given and
travels by being left out (None, an empty list). After the name of the body, and after ``*`` for the
items of one that is a stream, stand the fields of its objects, see
:mod:`service_core.wire.methods.sent_fields`, as percent-encoded JSON. Without the header a request is read as that of
any program.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from pydantic_core import from_json

from service_core.errors import ContractMismatchException
from service_core.rest.markers import Location
from service_core.rest.parameters import RestParameter, written_fields
from service_core.wire import WireType
from service_core.wire.methods.arguments import ArgumentTypes
from service_core.wire.methods.sent_fields import SentFields, sent_fields

SENT_ARGUMENTS: Final = "x-arguments"
"""The name of the header."""
_ITEMS: Final = "*"
"""What stands in the place of a name for the items of a body that is a stream."""
NONE_SENT: Final = "-"
"""The value of the header of a call without arguments; a header without a value may get lost on the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentArguments:
    """The arguments that a client of ours has listed, compared with the parameters here."""

    present: frozenset[str]
    """The parameters whose arguments are in the request."""
    absent: frozenset[str]
    """Those whose arguments are given by being left out."""
    body: WireType | None = None
    """The type by which the body, or an item of one that is a stream, is read if the objects of the caller have other
    fields than those here."""

    @classmethod
    def read(
        cls, header: str, parameters: Iterable[RestParameter], types: ArgumentTypes, items: WireType | None = None
    ) -> SentArguments:
        """Read the header; ``items`` is the type of an item of the body if that is a stream.

        Raises ContractMismatchException if the parameters here are others.
        """
        entries = [_entry(text) for text in header.split(",") if text != NONE_SENT]
        listed = [entry for entry in entries if entry[0] != _ITEMS]
        types.check([name for name, _, _ in listed])
        by_name = {parameter.python_name: parameter for parameter in parameters}
        body: WireType | None = None
        if items is not None and len(listed) < len(entries):
            written = next(fields for name, fields, _ in entries if name == _ITEMS)
            body = _type_for(items, sent_fields(items.core_schema), written)
        for name, kinds, is_absent in listed:
            parameter = by_name[name]
            if parameter.location is Location.BODY and kinds:
                body = _type_for(parameter.wire, parameter.fields, kinds)
            elif not is_absent and not parameter.accepts(kinds):
                raise differing(types, name, "has another type here")
        return cls(
            body=body,
            present=frozenset(name for name, _, is_absent in listed if not is_absent),
            absent=frozenset(name for name, _, is_absent in listed if is_absent),
        )


def sent_entry(parameter: RestParameter, *, is_absent: bool) -> str:
    """The entry of an argument that is given."""
    return f"-{quote(parameter.python_name)}" if is_absent else parameter.entry


def items_entry(items: WireType | None) -> str:
    """The entry of the items of a body that is a stream, empty if they are no objects."""
    sent = None if items is None else sent_fields(items.core_schema)
    return "" if sent is None else f"{_ITEMS}:{written_fields(sent)}"


def _type_for(wire: WireType, own: SentFields | None, written: str) -> WireType | None:
    """The type by which the objects of a caller with these fields are read, None if they are those here."""
    try:
        sent = SentFields.read(from_json(unquote(written)))
    except ValueError:
        return None  # the JSON types of a text: the argument is refused as not in the body
    return None if own is not None and own.digest == sent.digest else wire.for_caller(sent.defaults)


def differing(types: ArgumentTypes, name: str, reason: str) -> ContractMismatchException:
    """The error for an argument that is not where, or not what, it is here."""
    return types.mismatch(name, f"the parameter '{name}' {reason}")


def _entry(text: str) -> tuple[str, str, bool]:
    is_absent = text.startswith("-")
    name, _, kinds = text.removeprefix("-").partition(":")
    return unquote(name), kinds, is_absent
