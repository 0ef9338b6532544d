"""Fields that a class does not declare: one error for a few of them, none for those with the caller's default."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import SchemaValidator, core_schema

from service_core.wire.types.unknown_fields import UNKNOWN_FIELD, refusing_fields

INT = core_schema.int_schema()
FIELDS: dict[str, Any] = {
    "model-fields": core_schema.model_fields_schema({"a": core_schema.model_field(INT)}, model_name="Box"),
    "typed-dict": core_schema.typed_dict_schema({"a": core_schema.typed_dict_field(INT)}, cls_name="Box"),
    "dataclass-args": core_schema.dataclass_args_schema("Box", [core_schema.dataclass_field("a", INT)]),
}


def read(kind: str, data: Any, defaults: dict[str, Any] | None = None) -> Any:
    schema: Any = refusing_fields(FIELDS[kind], of_caller=defaults is not None)
    context = SimpleNamespace(defaults={"Box": defaults or {}})
    return SchemaValidator(schema).validate_python(data, context=context)


def kinds(error: ValidationError) -> set[str]:
    return {one["type"] for one in error.errors()}


@pytest.mark.parametrize("kind", FIELDS)
def test_declared_fields_are_read(kind: str) -> None:
    expected = {"model-fields": ({"a": 1}, None, {"a"}), "typed-dict": {"a": 1}, "dataclass-args": ({"a": 1}, None)}
    assert read(kind, {"a": 1}) == expected[kind]


@pytest.mark.parametrize("kind", FIELDS)
def test_many_that_are_forbidden_are_a_few_errors(kind: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(kind, {"a": 1} | {f"x{number}": 0 for number in range(1000)})
    assert kinds(caught.value) == {"extra_forbidden"}
    assert caught.value.error_count() == 20


@pytest.mark.parametrize("kind", FIELDS)
def test_a_field_with_the_default_of_the_caller_is_as_if_it_was_not_there(kind: str) -> None:
    assert read(kind, {"a": 1, "b": [1]}, {"b": [1]}) == read(kind, {"a": 1})


@pytest.mark.parametrize("kind", FIELDS)
@pytest.mark.parametrize("value", [[True], [1.0], [], None, "[1]"])
def test_a_field_with_another_value_is_unknown(kind: str, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        read(kind, {"a": 1, "b": value}, {"b": [1]})
    assert kinds(caught.value) == {UNKNOWN_FIELD}
    assert caught.value.errors()[0]["loc"] == ("b",)


class Long(list[int]):
    """A default whose text takes long."""

    def __repr__(self) -> str:
        raise AssertionError("its text is made")


@pytest.mark.parametrize("value", [Long([2]), 1, [1]])
def test_a_value_that_is_not_equal_to_the_default_costs_nothing_of_its_length(value: Any) -> None:
    with pytest.raises(ValidationError):
        read("typed-dict", {"a": 1, "b": value}, {"b": Long([1])})
