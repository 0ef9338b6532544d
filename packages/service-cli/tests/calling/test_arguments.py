"""Arguments as they are typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from order_shop import ShopComponent

from service_cli.calling.arguments import read_arguments
from service_cli.failures import CommandFailure, ExitCode
from service_core import default_catalog
from service_core.describing import MethodDescription, ParameterDescription, ValueDescription, describe


def method(name: str) -> MethodDescription:
    component = default_catalog.component(ShopComponent)
    described = describe((component, one) for one in component.services)
    return next(found for _, _, found in described.methods() if found.name == name)


def one(schema: dict[str, Any]) -> MethodDescription:
    value = ValueDescription(type="Any", schema=schema)
    return MethodDescription(
        name="m", parameters=(ParameterDescription(name="x", value=value, required=True),), result=value
    )


@pytest.mark.parametrize(
    ("schema", "word", "value"),
    [
        ({"type": "string"}, "x=12", "12"),
        ({"type": "string"}, "x=", ""),
        ({"type": "string"}, 'x="quoted"', "quoted"),
        ({"type": "string"}, "x=a=b", "a=b"),
        ({"type": "integer"}, "x=12", 12),
        ({"type": "number"}, "x=1", 1),
        ({"type": "boolean"}, "x=true", True),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "x=null", None),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "x=12", 12),
        ({"enum": ["a", "b"]}, "x=a", "a"),
        ({"type": "array", "items": {"type": "integer"}}, "x=[1, 2]", [1, 2]),
        ({}, "x=text", "text"),
    ],
)
def test_a_word_is_json_or_a_text_where_the_type_admits_one(schema: dict[str, Any], word: str, value: Any) -> None:
    assert read_arguments([word], one(schema)) == {"x": value}


def test_all_arguments_may_be_one_object() -> None:
    given = read_arguments(['{"order": {"number": 1, "title": "a"}}'], method("place"))

    assert given == {"order": {"number": 1, "title": "a"}}


def test_they_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "order.json").write_text('{"number": 7}')

    assert read_arguments([f"@{tmp_path / 'order.json'}"], method("find")) == {"number": 7}


@pytest.mark.parametrize(
    ("words", "name", "text"),
    [
        ([], "find", "parameter 'number' is missing: number: int"),
        (["number=1", "languag=de"], "find", "there is no parameter 'languag'; similar: 'language'"),
        (["number=one"], "find", "number: must be of type integer, not string"),
        (["number=1", "number=2"], "find", "parameter 'number' is given twice"),
        (["7"], "find", "'7' is not an argument"),
        (["number=NaN"], "find", "number: must be of type integer, not string"),
        (["[1]"], "find", "'[1]' is not an argument"),
        (["{"], "find", "the arguments are no JSON"),
        (["@missing.json"], "find", "the arguments are no JSON"),
        (['order={"number": 0, "title": "a"}'], "place", "order.number: must be at least 1"),
        (['order={"number": 1}'], "place", "order: field 'title' is missing"),
        (
            ['order={"number": 1, "title": "a", "to": 1}'],
            "place",
            "order: there is no field 'to'; the fields are number, title",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(words: list[str], name: str, text: str) -> None:
    with pytest.raises(CommandFailure) as refused:
        read_arguments(words, method(name))

    assert text in refused.value.message
    assert refused.value.code is ExitCode.USAGE


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(CommandFailure, match=r"there is no parameter 'x'; parameter 'number' is missing"):
        read_arguments(["x=1"], method("find"))
