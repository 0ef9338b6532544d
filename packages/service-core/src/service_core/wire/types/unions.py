"""Unions: which of their members can be distinguished by their JSON.

Unions carry no tags on the wire. Each pair of members is compared by its JSON forms: a pair is accepted if no JSON
is a form of both, or if what both read from it is the same value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import combinations
from typing import Any, Final

from service_core.wire.types.json_forms import Definitions, Form, choices_of, forms_of
from service_core.wire.types.schema_parts import OBJECTS, fields_of, inner_schema

_ITEMS: Final = frozenset({"list", "set", "frozenset", "deque"})
_NOT_FROM_INTEGERS: Final = frozenset({"str", "bytes", "uuid", "url", "multi-host-url"})
"""Kinds that are written as text and never read from integers, as dates, decimals and addresses are."""
_NUMBERS: Final = frozenset({"decimal", "fraction"})
"""Kinds that are written as text and always read from numbers, too, and numbers of their text."""
_ADDRESSES: Final = "IPv"
"""How the names of the types of addresses begin, which are read from numbers."""
_LAX: Final = frozenset({"tuple", "set", "frozenset", "deque"})
"""Collections that are read from lists, in which other types are read less strictly."""
_VALUES: Final = frozenset({"dict", "ordered-dict", "counter"})


def ambiguity_in(union: Mapping[str, Any], definitions: Definitions) -> str:
    """Why values of a union cannot be read back, empty if they can."""
    members = [forms_of(choice, definitions) for choice in choices_of(union)]
    compared = _MemberComparison(definitions)
    for one, other in combinations(members, 2):
        for form in one:
            for another in other:
                if not (_are_int_and_float(form, another) or compared.are_compatible(form, another)):
                    return _reason(form, another)
    return ""


def _are_int_and_float(one: Form, other: Form) -> bool:
    """Whether pydantic distinguishes them, which are strict in a union; in collections and classes it does not.

    A literal of a whole number takes a float that is equal to it.
    """
    has_values = one.values is not None or other.values is not None
    return {one.read_as, other.read_as} == {"int", "float"} and not (has_values or one.checked or other.checked)


def _reason(one: Form, other: Form) -> str:
    if "any" in (one.kind, other.kind):
        unknown, known = (one, other) if one.kind == "any" else (other, one)
        return (
            f"of the members of a union, '{unknown.name}' and '{known.name}', one has a form that is not known; "
            f"use a dataclass with a field for each of them"
        )
    if one.kind != other.kind:
        return (
            f"'{one.name}' and '{other.name}' cannot be distinguished in a union, since what is written for one may be "
            f"read as the other; use one of them, or a dataclass with a field for each"
        )
    if one.kind == "object":
        return (
            f"'{one.name}' and '{other.name}' cannot be distinguished in a union: each needs a required field that the "
            f"other does not have, or one field with different values; give both a field such as 'kind: Literal[...]'"
        )
    return (
        f"'{one.name}' and '{other.name}' cannot be distinguished in a union, since both are written as JSON of type "
        f"{one.kind}; use one of them, or a dataclass with a field for each"
    )


class _MemberComparison:
    """Compares forms; a pair that is being compared further out, in a recursive type, counts as alike."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._open: set[tuple[int, int, bool]] = set()
        self._within: list[str] = []  # the kinds of collections whose items are compared

    def are_compatible(self, one: Form, other: Form) -> bool:
        """Whether JSON that is a form of both reads as one value, or there is none."""
        if self._apart(one, other):
            return True
        if one.kind == "any" or other.kind == "any" or one.checked or other.checked:
            return False
        if one.is_scalar:
            return one.read_as == other.read_as
        if one.read_as != other.read_as:
            return False
        if one.read_as in _ITEMS:
            with self._items_of(one):
                return self._all(one.schema.get("items_schema"), other.schema.get("items_schema"), apart=False)
        if one.read_as in _VALUES:
            same_keys = self._keys(one) == self._keys(other)
            values, others = one.schema.get("values_schema"), other.schema.get("values_schema")
            return same_keys and self._all(values, others, apart=False)
        return False

    def _keys(self, form: Form) -> set[str]:
        """What keys are read as, which are all written as text."""
        return {key.read_as for key in forms_of(form.schema.get("keys_schema", {"type": "any"}), self._definitions)}

    def _apart(self, one: Form, other: Form) -> bool:
        """Whether no JSON is a form of both."""
        if "any" in (one.kind, other.kind):
            return False
        if {one.kind, other.kind} == {"integer", "number"}:
            return False  # an integer is read as a number, too
        if {one.kind, other.kind} == {"integer", "boolean"} and _names_zero_or_one(one, other):
            return False  # Python's True is equal to 1
        if one.kind != other.kind:
            return not (_is_taken_by(one, other) or _is_taken_by(other, one))
        if one.values is not None and other.values is not None:
            return not one.values & other.values
        if one.kind == "array":
            return self._tuples_apart(one, other)
        return one.kind == "object" and self._objects_apart(one, other)

    def _all(self, one: Any, other: Any, *, apart: bool) -> bool:
        """Whether all forms of two schemas are apart, or at least compatible."""
        if one is None or other is None:
            return False
        pair = (id(one), id(other), apart)
        if pair in self._open:
            return not apart
        self._open.add(pair)
        try:
            compare = self._apart if apart else self.are_compatible
            others = forms_of(other, self._definitions)
            pairs = [(a, b) for a in forms_of(one, self._definitions) for b in others]
            return all(compare(a, b) and not (self._are_confused(a, b) or self._are_confused(b, a)) for a, b in pairs)
        finally:
            self._open.discard(pair)

    def _tuples_apart(self, one: Form, other: Form) -> bool:
        items, others = _fixed_items(one), _fixed_items(other)
        if items is None or others is None:
            return False
        if len(items) != len(others):
            return True
        with self._items_of(one):
            return any(self._all(a, b, apart=True) for a, b in zip(items, others, strict=True))

    @contextmanager
    def _items_of(self, form: Form) -> Iterator[None]:
        self._within.append(form.read_as)
        try:
            yield
        finally:
            self._within.pop()

    def _are_confused(self, one: Form, other: Form) -> bool:
        """Whether ``one`` is written as text and read from numbers, too, such as a date, and ``other`` is a number.

        pydantic distinguishes them as members of a union, but not everywhere as parts of members.
        """
        is_number = other.kind in ("integer", "number", "boolean")
        if not is_number or one.kind != "string" or one.values is not None:
            return False
        if one.read_as in _NUMBERS:
            return True
        is_exact = one.schema["type"] in _NOT_FROM_INTEGERS and not one.read_as.startswith(_ADDRESSES)
        return not is_exact and not _LAX.isdisjoint(self._within)

    def _objects_apart(self, one: Form, other: Form) -> bool:
        left, right = _Fields.of(one), _Fields.of(other)
        if left is None or right is None:
            return self._map_apart(left, other) or self._map_apart(right, one)
        for name in left.written & right.written:
            if self._all(left.schemas[name], right.schemas[name], apart=True):
                return True
        if left.open or right.open:
            return False
        only_left, only_right = left.required - right.schemas.keys(), right.required - left.schemas.keys()
        if only_left and only_right:
            return True
        # pydantic takes the member that reads more fields, which is exact as long as the shared ones hold no fields.
        return bool(only_left or only_right) and self._share_only_scalars(left, right)

    def _map_apart(self, fields: _Fields | None, other: Form) -> bool:
        if fields is None or other.read_as not in _VALUES:
            return False
        values = other.schema.get("values_schema")
        return any(self._all(fields.schemas[name], values, apart=True) for name in fields.written)

    def _share_only_scalars(self, left: _Fields, right: _Fields) -> bool:
        shared = left.schemas.keys() & right.schemas.keys()
        parts = [fields.schemas[name] for name in shared for fields in (left, right)]
        return all(form.is_scalar for part in parts for form in forms_of(part, self._definitions))


def _names_zero_or_one(*forms: Form) -> bool:
    return any(value in (0, 1) for form in forms for _, value in form.values or ())


def _is_taken_by(one: Form, other: Form) -> bool:
    """Whether what is written for ``one`` may be read as ``other``, although that is written as JSON of another type.

    That is so for anything beside a type that is read by a function, and for the integers of an enum's members.
    """
    if other.read_as.startswith("function-"):
        return one.is_scalar and one.kind != "null"
    is_member = one.kind == "integer" and one.read_as.startswith("enum ")
    is_exact = other.read_as in _NOT_FROM_INTEGERS or other.values is not None
    return is_member and other.kind == "string" and not is_exact


class _Fields:
    """The fields of an object."""

    def __init__(self, fields: Mapping[str, Any], *, extra: Any) -> None:
        self.schemas = {name: field["schema"] for name, field in fields.items()}
        self.required = {name for name, field in fields.items() if _is_required(field)}
        """Those without which it cannot be read."""
        self.written = {name for name, field in fields.items() if field.get("required", True)}
        """Those that are always written."""
        self.open = extra == "allow"
        """Whether it may have others."""

    @classmethod
    def of(cls, form: Form) -> _Fields | None:
        """The fields of a form, None if their names are not known."""
        schema = form.schema
        if form.read_as not in OBJECTS:
            return None
        return cls(fields_of(schema), extra=_extra(schema, inner_schema(schema)))


def _extra(schema: Mapping[str, Any], inner: Mapping[str, Any]) -> Any:
    return inner.get("extra_behavior") or (schema.get("config") or {}).get("extra_fields_behavior")


def _is_required(field: Mapping[str, Any]) -> bool:
    return bool(field.get("required", True)) and field["schema"].get("type") != "default"


def _fixed_items(form: Form) -> list[Any] | None:
    """The items of a tuple that has so many and no others."""
    if form.read_as != "tuple" or form.schema.get("variadic_item_index") is not None:
        return None
    return list(form.schema["items_schema"])
