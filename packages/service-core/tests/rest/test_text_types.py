"""Types of parameters that travel as text: their JSON types, and those of whose values two may look alike."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from uuid import UUID

import pytest

from service_core.arguments import NO_DEFAULT
from service_core.declaring.descriptors import ParameterDescriptor
from service_core.errors import DeclarationException
from service_core.rest import Location
from service_core.rest.parameters import RestParameter
from service_core.rest.text_types import TextTypes


class Answer(Enum):
    YES = "true"
    NO = "false"


class Mixed(Enum):
    NUMBER = 5
    TEXT = "5"


@pytest.mark.parametrize(
    "annotation",
    [int | str, bool | str, float | str, int | date, UUID | int, Decimal | int, bytes | int, str | int | None],
)
def test_a_text_beside_a_number_or_a_truth_value_looks_alike(annotation: Any) -> None:
    assert "type string" in TextTypes.of(annotation, "m").alike
    assert "type string" in TextTypes.of(list[annotation], "m").alike


@pytest.mark.parametrize("annotation", [Literal["5"] | int, Literal[5, "5"], Answer | bool, Mixed])
def test_a_named_text_that_is_a_number_looks_alike(annotation: Any) -> None:
    assert "looks like a value of type" in TextTypes.of(annotation, "m").alike


@pytest.mark.parametrize(
    "annotation",
    [
        str,
        str | None,
        int | float,
        int | bool,
        Literal["all"] | int,
        Literal["a", 1],
        Answer,
        Answer | int,
        list[str],
    ],
)
def test_other_types_can_be_distinguished(annotation: Any) -> None:
    assert TextTypes.of(annotation, "m").alike == ""


@pytest.mark.parametrize("place", [Location.PATH, Location.QUERY, Location.HEADER])
def test_types_that_look_alike_are_refused_where_they_travel_as_text(place: Location) -> None:
    parameter = ParameterDescriptor(name="key", annotation=int | str, default=NO_DEFAULT, keyword_only=False)
    with pytest.raises(DeclarationException, match=rf"parameter 'key' cannot travel in the {place.value}, which holds"):
        RestParameter(parameter, place, None, "Shop.find")
    assert RestParameter(parameter, Location.BODY, None, "Shop.find").kinds == ""


@pytest.mark.parametrize(
    ("annotation", "value"),
    [(int | float, 5), (int | float, 5.0), (int | bool, 1), (int | bool, True), (Literal["all"] | int, "all")],
)
def test_what_is_accepted_is_read_exactly(annotation: Any, value: Any) -> None:
    parameter = ParameterDescriptor(name="key", annotation=annotation, default=NO_DEFAULT, keyword_only=False)
    planned = RestParameter(parameter, Location.QUERY, None, "Shop.find")
    (text,) = planned.write(value)
    assert repr(planned.read(text)) == repr(value)
