"""Unions: members that can be distinguished by their JSON, and those that cannot."""

from __future__ import annotations

import enum
from collections import deque
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from ipaddress import IPv4Address
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, ByteSize, IPvAnyAddress, SecretBytes, SecretStr, TypeAdapter

from service_core.wire.types.schema_parts import definitions_in, parts_of
from service_core.wire.types.unions import ambiguity_in


class Level(enum.IntEnum):
    LOW = 1


class Color(enum.Enum):
    RED = "red"


class Circle(BaseModel):
    radius: float


class Whole(BaseModel):
    value: int


class Real(BaseModel):
    value: float


class Ring(BaseModel):
    radius: float
    inner: float


class Price(BaseModel):
    value: Decimal


class Amount(BaseModel):
    value: int


def ambiguity(annotation: Any) -> str:
    schema = TypeAdapter(annotation).core_schema
    union = next(part for part in parts_of(schema) if part["type"] == "union")
    return ambiguity_in(union, definitions_in(schema))


@pytest.mark.parametrize(
    "annotation",
    [
        int | str,
        int | float,
        bool | int,
        bytes | int,
        Literal["a"] | str,
        Literal[2] | bool,
        Color | int,
        Level | str,
        Level | bytes,
        Level | UUID,
        Level | Color,
        Circle | Ring,
        list[int] | list[str],
        tuple[int, str] | tuple[int],
        dict[str, int] | list[int],
        Decimal | int,
        list[date] | list[int],
        list[str] | list[float],
        deque[str] | deque[int],
        dict[str, timedelta] | dict[str, int],
    ],
    ids=str,
)
def test_members_that_look_different_are_accepted(annotation: Any) -> None:
    assert ambiguity(annotation) == ""


@pytest.mark.parametrize(
    "annotation",
    [
        UUID | str,
        date | datetime,
        bytes | str,
        Decimal | str,
        Color | str,
        SecretStr | str,
        SecretStr | Literal["a"],
        SecretBytes | bytes,
        SecretStr | SecretBytes,
        PurePosixPath | str,
        PurePosixPath | PureWindowsPath,
        list[int] | set[int],
        Ring | dict[str, float],
        list[int] | list[float],
        frozenset[int] | frozenset[float],
        dict[str, int] | dict[str, float],
        dict[float, int] | dict[str, int],
        tuple[int, str] | tuple[float, str],
        Whole | Real,
        list[Decimal] | list[int],
        dict[str, Fraction] | dict[str, float],
        Price | Amount,
        deque[timedelta] | deque[int],
        list[set[date]] | list[set[int]],
        set[IPv4Address] | set[int],
        tuple[datetime] | tuple[float],
        Literal[1] | bool,
        Literal[1] | float,
        Literal[7, "red"] | float,
        Level | bool,
        Any | int,
    ],
    ids=str,
)
def test_members_that_look_alike_are_refused(annotation: Any) -> None:
    assert "of a union" in (reason := ambiguity(annotation)) or "in a union" in reason


@pytest.mark.parametrize("annotation", [IPvAnyAddress | int, IPvAnyAddress | Literal[5], ByteSize | bool], ids=str)
def test_a_type_that_is_read_by_a_function_is_refused_beside_other_scalars(annotation: Any) -> None:
    assert "in a union" in ambiguity(annotation)


def test_a_type_that_is_read_by_a_function_may_be_none() -> None:
    schema = TypeAdapter(IPvAnyAddress | None | list[int]).core_schema
    unions = [part for part in parts_of(schema) if part["type"] == "union"]
    assert [ambiguity_in(part, definitions_in(schema)) for part in unions] == [""]


@pytest.mark.parametrize("other", [Decimal, timedelta, date, datetime, float, Fraction, IPv4Address], ids=str)
def test_an_enum_of_numbers_is_refused_beside_what_is_read_from_numbers(other: Any) -> None:
    assert "Level" in ambiguity(Level | other)
