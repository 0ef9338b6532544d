"""The values that our client and server exchange."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel

__all__ = ["CHANNELS", "Person", "PersonRecord"]

CHANNELS: Final = ("dispatch-msgpack", "dispatch-json", "rest")


class Person(BaseModel):
    """Fourteen fields as a model."""

    id: int
    name: str
    description: str
    street: str
    city: str
    zip_code: str
    country: str
    email: str
    phone: str
    age: int
    score: float
    balance: float
    active: bool
    tags: list[str]


@dataclass
class PersonRecord:
    """Fourteen fields as a dataclass."""

    id: int
    name: str
    description: str
    street: str
    city: str
    zip_code: str
    country: str
    email: str
    phone: str
    age: int
    score: float
    balance: float
    active: bool
    tags: list[str]
