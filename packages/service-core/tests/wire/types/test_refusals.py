"""Types that are refused where they are declared, each with what to write instead."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import InitVar, dataclass, field
from typing import Annotated, Any, Literal

import pytest
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, ImportString, Json, PlainSerializer, TypeAdapter

from service_core.wire.types.refusals import UnsendableType, check


class Color(enum.Enum):
    RED = "red"


class Alike(enum.Enum):
    SET = frozenset({1})
    TUPLE = (1,)


class Level(enum.IntEnum):
    LOW = 1


class Foreign:
    pass


class Holding(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    foreign: Foreign


class Hiding(BaseModel):
    name: str = Field(exclude=True)


@dataclass
class Made:
    name: InitVar[str]


@dataclass
class Counted:
    number: int = field(init=False, default=3)


@dataclass
class Computed:
    size: int
    double: int = field(init=False)


@pytest.mark.parametrize(
    ("annotation", "advice"),
    [
        (BaseModel, "write the model, or a union of models"),
        (Iterable[int], "use a list"),
        (Callable[[], None], "functions do not travel"),
        (type[int], "classes do not travel"),
        (Json[int], "declare the type that the JSON holds"),
        (Base64Bytes, "declare bytes"),
        (ImportString, "callers would choose what runs here; declare str"),
        (list[ImportString[int]], "callers would choose what runs here; declare str"),
        (Holding, "use a dataclass or a BaseModel"),
        (Hiding, "use a private attribute"),
        (Made, "make it a field"),
        (Counted, "make it a property"),
        (Computed, "make it a property"),
        (dict[Any, int], "write 'dict[str, ...]'"),
        (dict[Level, int], "use pairs"),
        (dict[int | str, int], "use pairs"),
        (Literal[b"a"], "use texts or numbers"),
        (Literal[Color.RED, "red"], "take one of them"),
        (Alike, "give the members of Alike texts or numbers"),
        (bytes | str, "use one of them"),
        (Annotated[int, PlainSerializer(lambda value: [value], return_type=list[int])], "add a validator that reads"),
    ],
)
def test_a_type_that_would_not_arrive_as_it_is_is_refused_with_advice(annotation: Any, advice: str) -> None:
    many: Any = list
    with pytest.raises(UnsendableType) as caught:
        check(TypeAdapter(many[annotation]).core_schema, by_alias=False)
    assert advice in str(caught.value)


class Aliases(BaseModel):
    name: str = Field(validation_alias="Name", serialization_alias="NAME")


class Swapped(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    name: str = Field(alias="title")
    title: str = Field(alias="heading")


@pytest.mark.parametrize(
    ("annotation", "advice"), [(Aliases, "give it one 'alias'"), (Swapped, "remove populate_by_name")]
)
def test_aliases_that_do_not_agree_are_refused_where_they_are_used(annotation: Any, advice: str) -> None:
    schema = TypeAdapter(annotation).core_schema
    check(schema, by_alias=False)
    with pytest.raises(UnsendableType) as caught:
        check(schema, by_alias=True)
    assert advice in str(caught.value)
