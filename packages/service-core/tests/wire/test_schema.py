"""The wire's rules in the schemas of nested types."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, PlainSerializer, TypeAdapter

from service_core.wire.schema import RULES, with_rules
from service_core.wire.types.refusals import UnsendableType, check


class Model(BaseModel):
    model_config = ConfigDict(strict=True, title="Kept")

    number: int
    when: date


@dataclass
class Data:
    models: list[Model]


def schema(annotation: Any) -> Any:
    return TypeAdapter(annotation).core_schema


def parts(schema: Any, kind: str) -> list[dict[str, Any]]:
    """All schemas of a kind, wherever they are."""
    if isinstance(schema, dict):
        here = [schema] if schema.get("type") == kind else []
        return here + [part for value in schema.values() for part in parts(value, kind)]
    if isinstance(schema, list | tuple):
        return [part for value in schema for part in parts(value, kind)]
    return []


def test_every_configured_part_gets_the_rules_and_keeps_the_rest() -> None:
    ruled = with_rules(schema(Data))
    (model,) = parts(ruled, "model")
    (data,) = parts(ruled, "dataclass")
    assert model["config"] == {"strict": True, "title": "Kept", **RULES}
    assert data["config"] == {"title": "Data", **RULES}


def test_other_rules_can_be_given() -> None:
    (model,) = parts(with_rules(schema(Model), {"extra": 1}), "model")
    assert model["config"] == {"strict": True, "title": "Kept", "extra": 1}


def test_what_the_formats_have_no_form_for_is_never_strict_and_everything_else_stays_as_it_is() -> None:
    ruled = with_rules(schema(Model))
    assert parts(ruled, "date")[0]["strict"] is False
    assert "strict" not in parts(ruled, "int")[0]


def test_the_schema_itself_is_not_changed() -> None:
    original = schema(Model)
    before = copy.deepcopy(original)
    with_rules(original)
    assert original == before


@pytest.mark.parametrize(
    ("when", "ruled"), [("json", "always"), ("json-unless-none", "unless-none"), ("unless-none", "unless-none")]
)
def test_a_serializer_for_json_is_used_for_all_formats(when: Any, ruled: str) -> None:
    annotation = Annotated[int, PlainSerializer(str, when_used=when)]
    assert with_rules(schema(annotation))["serialization"]["when_used"] == ruled


def test_a_serializer_that_is_used_always_stays_so() -> None:
    assert "when_used" not in with_rules(schema(Annotated[int, PlainSerializer(str)]))["serialization"]


def test_parts_are_distinguished_from_names_that_users_chose() -> None:
    fields = {
        name: {"type": "model-field", "schema": {"type": "date"}}
        for name in ("cls", "metadata", "default", "function", "expected", "members", "fields", "choices")
    }
    named = {"type": "model", "cls": Data, "schema": {"type": "model-fields", "fields": fields}}
    assert [part["strict"] for part in parts(with_rules(named), "date")] == [False] * 8


def test_values_that_look_like_schemas_are_left_alone() -> None:
    default = {"type": "date", "keys": ["a"]}
    assert with_rules({"type": "default", "schema": {"type": "any"}, "default": default})["default"] is default


def test_what_cannot_be_sent_is_refused_however_deep_it_is() -> None:
    with pytest.raises(UnsendableType, match="functions do not travel"):
        check({"type": "list", "items_schema": {"type": "nullable", "schema": {"type": "callable"}}}, by_alias=False)
