"""Parts of core schemas: what is found in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, model_validator
from typing_extensions import TypedDict

from service_core.wire.types.schema_parts import definitions_in, fields_of, parts_of


class Model(BaseModel):
    a: int
    b: str = ""

    @model_validator(mode="after")
    def check(self) -> Model:
        return self


@dataclass
class Data:
    a: int
    b: str = ""


class Typed(TypedDict):
    a: int
    b: str


class Tree(BaseModel):
    children: list[Tree]


@pytest.mark.parametrize("cls", [Model, Data, Typed])
def test_the_fields_of_an_object_are_found_inside_of_its_validators(cls: Any) -> None:
    (part,) = [part for part in parts_of(TypeAdapter(cls).core_schema) if part.get("cls") is cls]
    assert list(fields_of(part)) == ["a", "b"]


def test_the_outermost_part_comes_first() -> None:
    kinds = [part["type"] for part in parts_of(TypeAdapter(list[dict[str, int]]).core_schema)]
    assert kinds[:2] == ["list", "dict"]
    assert sorted(kinds[2:]) == ["int", "str"]


def test_definitions_are_found_by_their_reference() -> None:
    schema = TypeAdapter(list[Tree]).core_schema
    (ref,) = {part["schema_ref"] for part in parts_of(schema) if part["type"] == "definition-ref"}
    assert definitions_in(schema)[ref]["cls"] is Tree
