"""The wrong places of an error: named, a few, and without values."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from service_core.wire.types.error_locations import validation_details


class Login(BaseModel):
    name: str
    age: int


def error(annotation: Any, data: Any) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(annotation).validate_python(data)
    return caught.value


def test_positions_at_the_first_level_have_the_names_of_parameters() -> None:
    details = validation_details(error(tuple[int, Login], ("x", {"name": "a"})), ["count", "login"])
    assert [one["loc"] for one in details] == [["count"], ["login", "age"]]


def test_all_places_are_below_the_one_that_is_given() -> None:
    assert validation_details(error(Login, {"name": "a"}), at="login")[0]["loc"] == ["login", "age"]


def test_no_value_is_quoted() -> None:
    assert "hunter2" not in str(
        validation_details(error(tuple[int, Login], ("hunter2", {"name": 1, "age": "hunter2"})))
    )


def test_of_many_places_the_first_are_listed() -> None:
    assert len(validation_details(error(list[int], ["x"] * 100))) == 20
