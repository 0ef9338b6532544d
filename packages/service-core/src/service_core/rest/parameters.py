"""Parameters: how one argument becomes text in a path, query or header, or the body, and what is read from there.

Text holds one value: a number, a text, a date, an enum and the like. A query also holds lists of such.
"""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Sequence
from dataclasses import is_dataclass
from typing import Any, Final
from urllib.parse import quote

from pydantic import BaseModel
from pydantic_core import from_json, to_json

from service_core.arguments import NO_DEFAULT
from service_core.declaring.descriptors import ParameterDescriptor
from service_core.errors import ArgumentException, DeclarationException
from service_core.rest.markers import Location, Marker, find_marker
from service_core.rest.text_types import TextTypes
from service_core.wire import WireType
from service_core.wire.methods.sent_fields import SentFields, sent_fields

# Headers that belong to the protocol or to the call, so that no argument may change them.
_RESERVED: Final = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "x-deadline-ms", "x-correlation-id"}
    | {"x-arguments"}
)
_HEADER_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_TEXT: Final = re.compile(r"[!-~]([ -~]*[!-~])?|")
_LITERALS: Final[dict[str, type]] = {"integer": int, "number": float, "boolean": bool}
_LETTERS: Final = {"string": "s", "integer": "i", "number": "n", "boolean": "b", "null": "0"}
_SCALARS: Final = frozenset({"string", "integer", "number", "boolean", "null"})


class RestParameter:
    """One parameter of a method, and its place in the request. Immutable."""

    __slots__ = (
        "_literals",
        "default",
        "entry",
        "fields",
        "is_list",
        "is_optional",
        "kinds",
        "location",
        "marker",
        "name",
        "own_default",
        "python_name",
        "wire",
    )

    def __init__(self, parameter: ParameterDescriptor, location: Location, marker: Marker | None, where: str) -> None:
        """Plan it. Raises DeclarationException, beginning with ``where``, if values of the type cannot travel there."""
        self.python_name = parameter.name
        self.location = location
        self.marker = marker or Marker(location=location)
        self.name = _name(parameter.name, location, self.marker)
        """What it is called in the request."""
        self.wire = WireType(parameter.annotation, where, at=parameter.name, by_alias=True)
        self.is_list = False
        """Whether it travels as several values of one name."""
        self.default = parameter.default
        """What its absence means in requests of programs that list no arguments, NO_DEFAULT if it must be there."""
        self.own_default = parameter.default
        """The default that the interface declares."""
        self.is_optional = parameter.default is not NO_DEFAULT
        """Whether the argument may be left out of a call."""
        self.kinds = ""
        """The JSON types of its text as letters, ``*`` after those of a list's items; empty for the body."""
        self.fields = sent_fields(self.wire.core_schema, by_alias=True) if location is Location.BODY else None
        """The fields of the objects in the body, None if there are none."""
        self._literals: tuple[type, ...] = ()
        if location is not Location.BODY:
            self._describe_text(parameter, f"{where}: parameter '{parameter.name}'")
        fields = "" if self.fields is None else written_fields(self.fields)
        self.entry = f"{quote(parameter.name)}:{self.kinds}{fields}"
        """What a client of ours lists when it sends the argument."""

    def write(self, value: Any) -> list[str]:
        """The texts of an argument; none at all for None. Raises ArgumentException."""
        data = from_json(self.wire.to_json(value))
        if data is None:
            return []
        if not self.is_list:
            return [self._checked(_text(data))]
        if not data and (self.default is NO_DEFAULT or self.default is None or self.default):
            raise ArgumentException(
                f"{self.wire.where}: {self.python_name}: an empty list travels by being left out, which to the server "
                f"means the default; leave the argument out, or let the interface have an empty list as the default"
            )
        return [_text(item) for item in data]

    def read(self, texts: str | Sequence[str]) -> Any:
        """The argument from its text, or its texts if it is a list. Raises ArgumentException."""
        try:
            return self.wire.from_json(to_json(texts))
        except ArgumentException as error:
            # A strict type, and an enum of numbers, want the number that the text is.
            data = self._literal(texts) if isinstance(texts, str) else [self._literal(text) for text in texts]
            try:
                return self.wire.from_json(to_json(data))
            except ArgumentException:
                raise error from None

    def read_absent(self) -> Any:
        """The argument that travels by being left out: None or an empty list. Raises ArgumentException."""
        return self.wire.from_json(b"[]" if self.is_list and "0" not in self.kinds else b"null")

    def accepts(self, kinds: str) -> bool:
        """Whether texts of a client that has such :attr:`kinds` mean the same here."""
        sent, here = (set(one.replace("0", "")) for one in (kinds, self.kinds))
        return sent <= here or (sent - {"i"} <= here and "n" in here)

    def write_body(self, value: Any) -> bytes | None:
        """The body of an argument, None for no body. Raises ArgumentException."""
        return None if value is None and self.default is None else self.wire.to_json(value)

    def _describe_text(self, parameter: ParameterDescriptor, where: str) -> None:
        texts = TextTypes.of(parameter.annotation, where)
        kinds, item_kinds = texts.kinds, texts.item_kinds
        self.is_list = kinds - {"null"} == {"array"} and self.location is Location.QUERY
        if not (kinds <= _SCALARS or (self.is_list and item_kinds <= _SCALARS - {"null"})):
            holds = (
                "one value, or a list of values that are not None" if self.location is Location.QUERY else "one value"
            )
            raise DeclarationException(
                f"{where} cannot travel in the {self.location.value}, which holds {holds}, such as a number, a text, a "
                f"date or an enum; send it as the body: 'Annotated[..., Body()]'"
            )
        if self.location is Location.HEADER and (self.name in _RESERVED or not _HEADER_NAME.fullmatch(self.name)):
            raise DeclarationException(f"{where}: '{self.name}' is not a header that an argument can be sent in")
        if "null" in kinds and self.location is Location.PATH:
            raise DeclarationException(f"{where} may be None, which a path cannot hold; take it out of the path")
        if "null" in kinds and not (parameter.default is NO_DEFAULT or parameter.default is None):
            raise DeclarationException(
                f"{where} may be None, which travels by being left out and so would arrive as {parameter.default!r}; "
                f"make None its default"
            )
        if texts.alike:
            raise DeclarationException(
                f"{where} cannot travel in the {self.location.value}, which holds text: {texts.alike}; take one type, "
                f"or send it as the body: 'Annotated[..., Body()]'"
            )
        self.default = self._default_on_absence(nullable="null" in kinds)
        letters = sorted(_LETTERS[kind] for kind in (item_kinds | (kinds & {"null"}) if self.is_list else kinds))
        self.kinds = "".join(letters) + ("*" if self.is_list else "")
        self._literals = tuple(_LITERALS[kind] for kind in kinds | item_kinds if kind in _LITERALS)

    def _literal(self, text: str) -> Any:
        """The number or truth value that a text is, if the type has such; else the text."""
        try:
            data = from_json(text, allow_inf_nan=False)
        except ValueError:
            return text
        return data if type(data) in self._literals else text

    def _default_on_absence(self, *, nullable: bool) -> Any:
        if self.default is not NO_DEFAULT:
            return self.default
        if nullable:
            return None
        if not self.is_list:
            return NO_DEFAULT
        try:
            return self.wire.from_json(b"[]")
        except ArgumentException:
            return NO_DEFAULT  # at least one item is required

    def _checked(self, text: str) -> str:
        if self.location is Location.HEADER and not _HEADER_TEXT.fullmatch(text):
            raise ArgumentException(
                f"{self.wire.where}: {self.python_name}: a header holds printable ASCII without spaces at its ends; "
                f"encode the value"
            )
        return text


def written_fields(fields: SentFields) -> str:
    """The fields of the objects in a body, for a header."""
    return quote(to_json(fields.written), safe="")


def location_of(
    parameter: ParameterDescriptor, verb: str, path_names: Sequence[str], where: str
) -> tuple[Location, Marker | None]:
    """Where a parameter travels: as marked, else by the rules. Raises DeclarationException.

    The rules: in the path where that names it, else as the body of post, put and patch if it is a model or dataclass,
    else in the query.
    """
    where = f"{where}: parameter '{parameter.name}'"
    marker = find_marker(parameter.annotation, where)
    in_path = parameter.name in path_names
    if marker is None:
        if in_path:
            return Location.PATH, None
        has_body = verb in ("POST", "PUT", "PATCH")
        return (Location.BODY if has_body and _is_model(parameter.annotation) else Location.QUERY), None
    if marker.location is Location.PATH and not in_path:
        raise DeclarationException(f"{where}: the path does not name it; put '{{{parameter.name}}}' into the path")
    if in_path and marker.location is not Location.PATH:
        raise DeclarationException(
            f"{where}: the path names it, the marker sends it in the {marker.location.value}; take one away"
        )
    if marker.location is Location.BODY and verb == "GET":
        raise DeclarationException(f"{where}: a GET has no body; use another verb, or send it in the query")
    return marker.location, marker


def _name(python_name: str, location: Location, marker: Marker) -> str:
    if location is Location.HEADER:
        return (marker.name or python_name.replace("_", "-")).lower()
    return marker.name or python_name


def _is_model(annotation: Any) -> bool:
    """Whether it is a model or dataclass, or one or None."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _is_model(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        options = [option for option in typing.get_args(annotation) if option is not types.NoneType]
        return all(_is_model(option) for option in options)
    cls = typing.get_origin(annotation) or annotation
    return inspect.isclass(cls) and (issubclass(cls, BaseModel) or is_dataclass(cls))


def _text(data: Any) -> str:
    return data if isinstance(data, str) else to_json(data).decode()
