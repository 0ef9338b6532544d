"""Whether what one version writes can be read by the other: JSON Schemas, compared as the framework reads values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from service_cli.schema import Schema, join, kinds_of, options_of, resolved, values_of

_NUMBERS: Final = frozenset({"integer", "number"})
_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_TEXT: Final = ("pattern", "format", "contentEncoding")


class Fault(Enum):
    """What the reader does with a value that it does not expect."""

    REFUSED = "refused"
    SOME_REFUSED = "some values are refused"
    UNKNOWN = "unknown"
    """It does not know a field that all values have."""
    SOME_UNKNOWN = "unknown in some values"
    """It does not know a field that has a default."""


UNKNOWN_FIELDS: Final = frozenset({Fault.UNKNOWN, Fault.SOME_UNKNOWN})
"""What a caller ignores in a result, and a server refuses in an argument."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """One place where the reader does not expect what is written."""

    path: str
    """The place below the value, empty for the value itself."""
    fault: Fault
    text: str


def mismatches(writer: Schema, reader: Schema) -> list[Mismatch]:
    """The places where values of the schema ``writer`` do not fit the schema ``reader``, without duplicates."""
    found = _SchemaComparison(writer, reader).compare(writer, reader, "")
    return list({(one.path, one.text): one for one in found}.values())


class _SchemaComparison:
    """One comparison; it remembers pairs of definitions, which may refer to themselves."""

    def __init__(self, writer: Schema, reader: Schema) -> None:
        self._writer = writer
        self._reader = reader
        self._seen: set[tuple[str, str]] = set()

    def compare(self, writer: Schema, reader: Schema, path: str) -> Iterator[Mismatch]:
        pair = (str(writer.get("$ref", "")), str(reader.get("$ref", "")))
        if any(pair):
            if pair in self._seen:
                return
            self._seen.add(pair)
        writer, reader = resolved(writer, self._writer), resolved(reader, self._reader)
        if _without_texts(writer) == _without_texts(reader) and "$ref" not in str(writer):
            return
        if options_of(writer) or options_of(reader):
            yield from self._unions(writer, reader, path)
        else:
            yield from self._plain(writer, reader, path)

    def _unions(self, writer: Schema, reader: Schema, path: str) -> Iterator[Mismatch]:
        for written in options_of(writer) or (writer,):
            tries = [list(self.compare(written, read, path)) for read in options_of(reader) or (reader,)]
            best = min(tries, key=lambda one: (any(m.fault is Fault.REFUSED for m in one), len(one)))
            refused = all(any(m.fault is Fault.REFUSED and m.path == path for m in one) for one in tries)
            if refused:
                name = _name(resolved(written, self._writer))
                yield Mismatch(path=path, fault=Fault.SOME_REFUSED, text=f"{name} is not among the types that are read")
            else:
                yield from best

    def _plain(self, writer: Schema, reader: Schema, path: str) -> Iterator[Mismatch]:
        yield from _members(writer, reader, path)
        kinds, read = {*kinds_of(writer)}, {*kinds_of(reader)}
        if read and kinds and not kinds <= read and not (kinds <= _NUMBERS and "number" in read):
            # Texts of numbers and whole numbers are read as numbers, other values are not.
            some = bool(kinds & read) or (kinds | read) <= _NUMBERS or (kinds == {"string"} and read <= _NUMBERS)
            fault = Fault.SOME_REFUSED if some else Fault.REFUSED
            yield Mismatch(path=path, fault=fault, text=f"{_name(writer)} is written, {_name(reader)} is read")
            return
        yield from _limits(writer, reader, path)
        if "properties" in writer or "properties" in reader:
            yield from self._objects(writer, reader, path)
        for part in ("items", "additionalProperties"):
            if isinstance(writer.get(part), Mapping) and isinstance(reader.get(part), Mapping):
                yield from self.compare(writer[part], reader[part], f"{path}[]")
        for index, (one, other) in enumerate(
            zip(writer.get("prefixItems", ()), reader.get("prefixItems", ()), strict=False)
        ):
            yield from self.compare(one, other, f"{path}[{index}]")

    def _objects(self, writer: Schema, reader: Schema, path: str) -> Iterator[Mismatch]:
        written, read = writer.get("properties", {}), reader.get("properties", {})
        for name in reader.get("required", ()):
            if name not in written:
                yield Mismatch(path=join(path, name), fault=Fault.REFUSED, text="is needed, and not written")
        for name, schema in written.items():
            if name in read:
                yield from self.compare(schema, read[name], join(path, name))
            elif reader.get("additionalProperties") is False:
                yield Mismatch(path=join(path, name), fault=Fault.REFUSED, text="is written, and not admitted")
            elif not isinstance(reader.get("additionalProperties"), Mapping):
                fault = Fault.UNKNOWN if name in writer.get("required", ()) else Fault.SOME_UNKNOWN
                yield Mismatch(path=join(path, name), fault=fault, text="is written, and not known")


def _members(writer: Schema, reader: Schema, path: str) -> Iterator[Mismatch]:
    written, read = values_of(writer), values_of(reader)
    if read is None:
        return
    unknown = [value for value in written or () if value not in read]
    if unknown:
        text = f"{', '.join(map(repr, unknown))} is not among the values that are read"
        yield Mismatch(path=path, fault=Fault.SOME_REFUSED, text=text)
    elif written is None:
        yield Mismatch(path=path, fault=Fault.SOME_REFUSED, text=f"only {', '.join(map(repr, read))} is read")


def _limits(writer: Schema, reader: Schema, path: str) -> Iterator[Mismatch]:
    for name in _LOWER:
        if name in reader and not writer.get(name, float("-inf")) >= reader[name]:
            yield _tighter(path, name, reader)
    for name in _UPPER:
        if name in reader and not writer.get(name, float("inf")) <= reader[name]:
            yield _tighter(path, name, reader)
    for name in _TEXT:
        if name in reader and writer.get(name) != reader[name]:
            yield _tighter(path, name, reader)
            return


def _tighter(path: str, name: str, reader: Schema) -> Mismatch:
    return Mismatch(path=path, fault=Fault.SOME_REFUSED, text=f"only values with {name} {reader[name]} are read")


def _name(schema: Schema) -> str:
    if "title" in schema and schema.get("type") == "object":
        return str(schema["title"])
    kinds = " or ".join(sorted(kinds_of(schema))) or "any value"
    return f"{kinds} ({schema['format']})" if "format" in schema else kinds


def _without_texts(schema: Schema) -> dict[str, Any]:
    return {name: part for name, part in schema.items() if name not in ("title", "description", "default", "examples")}
