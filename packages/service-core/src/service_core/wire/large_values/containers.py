"""Which containers of a value can be read some items at a time, and how the items become what the type says."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from service_core.errors import ArgumentException
from service_core.wire.large_values.outline import (
    Outline,
    Part,
    declared_fields,
    is_of_one_type,
    is_plain_object,
    name_in_data,
)
from service_core.wire.large_values.placeholders import SchemaPath
from service_core.wire.large_values.references import needs_others
from service_core.wire.large_values.splitter import LIST, MAP

_FINISHED: Final[Mapping[str, tuple[str, Callable[[Any], Any] | None]]] = {
    "list": (LIST, None),
    "set": (LIST, None),
    "frozenset": (LIST, frozenset),
    "tuple": (LIST, tuple),
    "deque": (LIST, deque),
    "dict": (MAP, None),
}
"""By kind of schema: what it is read from, and what makes the value of a list, set or dict; None if it is that."""
_SETS: Final = frozenset({"set", "frozenset"})


def container(outline: Outline, kind: str) -> Part | None:
    """How the items of a list or map are read; None for one that is not read some items at a time."""
    schema = outline.schema
    type_ = schema["type"]
    if type_ != "any":
        if _FINISHED.get(type_, ("", None))[0] != kind or (type_ == "tuple" and not is_of_one_type(schema)):
            return None
        if needs_others([schema.get(part) for part in ("items_schema", "keys_schema", "values_schema")]):
            return None
    return outline.parted


def fixed_items(outline: Outline) -> list[Outline]:
    """The types of the items of a tuple that has as many; empty for another type."""
    schema = outline.schema
    if schema["type"] != "tuple" or "variadic_item_index" in schema:
        return []
    return [outline.of(one) for one in schema["items_schema"]]


def object_fields(outline: Outline) -> dict[str, tuple[SchemaPath, Outline]]:
    """The fields of an object by their names in the data, and where its schema has them; empty for another type."""
    schema = outline.schema
    if not is_plain_object(schema):
        return {}
    begin: SchemaPath = ("fields",) if schema["type"] == "typed-dict" else ("schema", "fields")
    is_list = schema["type"] == "dataclass"
    return {
        name_in_data(name, one, by_alias=outline.root.by_alias): (
            (*begin, index if is_list else name, "schema"),
            outline.of(one["schema"]),
        )
        for index, (name, one) in enumerate(declared_fields(schema).items())
        if one.get("init", True)
    }


class Joined:
    """A container whose items are read one piece after the other."""

    def __init__(self, outline: Outline, kind: str) -> None:
        type_ = outline.schema["type"]
        self._is_list = kind == LIST
        self._items: Any = {} if kind == MAP else set() if type_ in _SETS else []
        self._add: Callable[[Any], None] = self._items.extend if isinstance(self._items, list) else self._items.update
        self._finish = _FINISHED.get(type_, (kind, None))[1]
        self._count = 0

    def add(self, items: Any) -> None:
        """Add the items of a piece."""
        self._count += len(items)
        self._add(items)

    @property
    def value(self) -> Any:
        """The container."""
        return self._items if self._finish is None else self._finish(self._items)

    @contextmanager
    def placed(self, *, is_one: bool = False) -> Iterator[None]:
        """Errors in a piece of a list, or in one item, have their place in the whole list."""
        try:
            yield
        except ArgumentException as error:
            if not error.details or not self._is_list:
                raise
            details = [{**one, "loc": self._placed(one["loc"], is_one=is_one)} for one in error.details]
            raise ArgumentException(error.message, details=details) from None

    def _placed(self, loc: list[Any], *, is_one: bool) -> list[Any]:
        return [self._count, *loc] if is_one else [self._count + loc[0], *loc[1:]]
