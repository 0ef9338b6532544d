"""JSON forms of types: what values look like, and as what they are read."""

from __future__ import annotations

import enum
from datetime import date
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, PlainSerializer, RootModel, SecretStr, TypeAdapter

from service_core.wire.types.json_forms import Form, forms_of, is_of_pydantic
from service_core.wire.types.schema_parts import definitions_in


class Color(enum.Enum):
    RED = "red"
    ONE = 1


class Tree(BaseModel):
    inner: Tree | None = None


class Numbers(RootModel[list[int]]): ...


def forms(annotation: Any) -> list[Form]:
    schema = TypeAdapter(annotation).core_schema
    return forms_of(schema, definitions_in(schema))


@pytest.mark.parametrize(
    ("annotation", "kinds"),
    [
        (int, ["integer"]),
        (float, ["number"]),
        (date, ["string"]),
        (bytes | None, ["null", "string"]),
        (list[int], ["array"]),
        (dict[str, int], ["object"]),
        (Tree, ["object"]),
        (Numbers, ["array"]),
        (Literal["a", 1], ["string", "integer"]),
        (Color, ["string", "integer"]),
        (Any, ["any"]),
        (Annotated[date, PlainSerializer(lambda value: 1, return_type=int)], ["integer"]),
        (Annotated[date, PlainSerializer(lambda value: 1)], ["any"]),
    ],
)
def test_a_type_has_the_kinds_of_json_that_its_values_are_written_as(annotation: Any, kinds: list[str]) -> None:
    assert [form.kind for form in forms(annotation)] == kinds


def test_named_values_are_known() -> None:
    assert [form.values for form in forms(Literal["a", 1])] == [{(str, "a")}, {(int, 1)}]


def test_a_validator_of_the_users_may_change_what_is_read() -> None:
    (form,) = forms(Annotated[int, AfterValidator(lambda value: value)])
    assert form.checked


@pytest.mark.parametrize("annotation", [SecretStr, PurePosixPath])
def test_what_pydantic_makes_of_a_text_is_read_as_another_type(annotation: Any) -> None:
    assert {form.kind for form in forms(annotation)} == {"string"}
    assert "str" not in {form.read_as for form in forms(annotation)}


def test_names_for_messages_are_those_of_classes() -> None:
    assert [form.name for form in forms(Color)] == ["Color", "Color"]
    assert forms(SecretStr)[0].name == "SecretStr"


def test_functions_of_pydantic_are_distinguished_from_those_of_users() -> None:
    assert is_of_pydantic(SecretStr)
    assert not is_of_pydantic(forms)
