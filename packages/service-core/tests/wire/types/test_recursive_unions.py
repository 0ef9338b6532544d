"""Unions whose members hold the same union again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from service_core.errors import DeclarationException
from service_core.wire import WireType


@dataclass
class Sum:
    kind: Literal["sum"] = "sum"
    of: list[Sum | Product] = field(default_factory=list)


@dataclass
class Product:
    kind: Literal["product"] = "product"
    of: list[Sum | Product] = field(default_factory=list)


class Both(BaseModel):
    kind: Literal["both"] = "both"
    left: Both | Neither | None = None


class Neither(BaseModel):
    kind: Literal["neither"] = "neither"
    left: Both | Neither | None = None


class Tagged(BaseModel):
    kind: Literal["tagged"] = "tagged"
    inner: Annotated[Tagged | Marked, Field(discriminator="kind")] | None = None


class Marked(BaseModel):
    kind: Literal["marked"] = "marked"
    inner: Annotated[Tagged | Marked, Field(discriminator="kind")] | None = None


class Folder(BaseModel):
    kind: Literal["folder"] = "folder"
    content: list[Folder | File] = []


class File(BaseModel):
    kind: Literal["file"] = "file"


@pytest.mark.parametrize("annotation", [Sum, list[Product], Both | Neither])
def test_members_that_both_hold_the_union_again_are_refused(annotation: Any) -> None:
    with pytest.raises(DeclarationException, match="exponential time; give both a field such as"):
        WireType(annotation, "here")


ACCEPTED: list[tuple[Any, Any]] = [
    (Tagged, Tagged(inner=Marked())),
    (Annotated[Tagged | Marked, Field(discriminator="kind")], Marked(inner=Tagged())),
    (Folder | File, Folder(content=[File(), Folder()])),
]


@pytest.mark.parametrize(("annotation", "value"), ACCEPTED)
def test_a_discriminator_or_one_such_member_is_accepted(annotation: Any, value: Any) -> None:
    wire = WireType(annotation, "here")
    assert wire.from_json(wire.to_json(value)) == value
