"""The old version of the interface: one method for each kind of change."""

from __future__ import annotations

import enum
from abc import abstractmethod
from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel

from service_core import Component, Service, component, service
from service_core.rest import Body, get, post, rest
from tests.versions.catalogs import catalog_for

CATALOG = catalog_for("old")


class Color(enum.Enum):
    RED = "red"


class Wider(BaseModel):
    number: int


class Narrower(BaseModel):
    number: int
    size: int = 5


class Stricter(BaseModel):
    number: int


@service(name="shop", catalog=CATALOG)
@rest("/shop")
class Shop(Service):
    @abstractmethod
    @get("/optional_added")
    def optional_added(self, number: int) -> list[str]: ...

    @abstractmethod
    @get("/required_added")
    def required_added(self, number: int) -> list[str]: ...

    @abstractmethod
    @get("/optional_removed")
    def optional_removed(self, number: int, *, deep: int = 7) -> list[str]: ...

    @abstractmethod
    @get("/required_removed")
    def required_removed(self, number: int, size: int) -> list[str]: ...

    @abstractmethod
    @get("/renamed")
    def renamed(self, number: int) -> list[str]: ...

    @abstractmethod
    @get("/reordered")
    def reordered(self, *, payer: str, payee: str) -> list[str]: ...

    @abstractmethod
    @get("/made_optional")
    def made_optional(self, number: int, size: int) -> list[str]: ...

    @abstractmethod
    @get("/default_changed")
    def default_changed(self, number: int, limit: int = 10) -> list[str]: ...

    @abstractmethod
    @get("/type_changed")
    def type_changed(self, number: int) -> list[str]: ...

    @abstractmethod
    @post("/field_added")
    def field_added(self, item: Annotated[Wider, Body()]) -> list[str]: ...

    @abstractmethod
    @post("/field_removed")
    def field_removed(self, item: Annotated[Narrower, Body()]) -> list[str]: ...

    @abstractmethod
    @post("/required_field_added")
    def required_field_added(self, item: Annotated[Stricter, Body()]) -> list[str]: ...

    @abstractmethod
    @get("/member_given")
    def member_given(self, color: Color) -> list[str]: ...

    @abstractmethod
    @get("/member_returned")
    def member_returned(self) -> Color: ...

    @abstractmethod
    @get("/field_returned")
    def field_returned(self) -> Wider: ...

    @abstractmethod
    @get("/required_field_returned")
    def required_field_returned(self) -> Stricter: ...

    @abstractmethod
    @get("/method_removed")
    def method_removed(self, number: int) -> list[str]: ...


@service(name="async-shop", catalog=CATALOG)
@rest("/async-shop")
class AsyncShop(Service):
    @abstractmethod
    @get("/optional_added")
    async def optional_added(self, number: int) -> list[str]: ...

    @abstractmethod
    @get("/required_added")
    async def required_added(self, number: int) -> list[str]: ...

    @abstractmethod
    @get("/optional_removed")
    async def optional_removed(self, number: int, *, deep: int = 7) -> list[str]: ...

    @abstractmethod
    @get("/required_removed")
    async def required_removed(self, number: int, size: int) -> list[str]: ...

    @abstractmethod
    @get("/renamed")
    async def renamed(self, number: int) -> list[str]: ...

    @abstractmethod
    @get("/reordered")
    async def reordered(self, *, payer: str, payee: str) -> list[str]: ...

    @abstractmethod
    @get("/made_optional")
    async def made_optional(self, number: int, size: int) -> list[str]: ...

    @abstractmethod
    @get("/default_changed")
    async def default_changed(self, number: int, limit: int = 10) -> list[str]: ...

    @abstractmethod
    @get("/type_changed")
    async def type_changed(self, number: int) -> list[str]: ...

    @abstractmethod
    @post("/field_added")
    async def field_added(self, item: Annotated[Wider, Body()]) -> list[str]: ...

    @abstractmethod
    @post("/field_removed")
    async def field_removed(self, item: Annotated[Narrower, Body()]) -> list[str]: ...

    @abstractmethod
    @post("/required_field_added")
    async def required_field_added(self, item: Annotated[Stricter, Body()]) -> list[str]: ...

    @abstractmethod
    @get("/member_given")
    async def member_given(self, color: Color) -> list[str]: ...

    @abstractmethod
    @get("/member_returned")
    async def member_returned(self) -> Color: ...

    @abstractmethod
    @get("/field_returned")
    async def field_returned(self) -> Wider: ...

    @abstractmethod
    @get("/required_field_returned")
    async def required_field_returned(self) -> Stricter: ...

    @abstractmethod
    @get("/method_removed")
    async def method_removed(self, number: int) -> list[str]: ...


@service(name="archive", catalog=CATALOG)
@rest("/archive")
class Archive(Service):
    """A service that the new version does not have."""

    @abstractmethod
    @get("/count")
    def count(self) -> int: ...

    @abstractmethod
    @get("/count-async")
    async def count_async(self) -> int: ...


@service(name="ledger", catalog=CATALOG)
@rest("/ledger")
class Ledger(Service):
    """The service of a component that the new version does not have."""

    @abstractmethod
    @get("/count")
    def count(self) -> int: ...

    @abstractmethod
    @get("/count-async")
    async def count_async(self) -> int: ...


@service(name="feed", catalog=CATALOG)
@rest("/feed")
class Feed(Service):
    """Streams of the models above."""

    @abstractmethod
    @get("/wider")
    def wider(self) -> Iterator[Wider]: ...

    @abstractmethod
    @get("/narrower")
    def narrower(self) -> Iterator[Narrower]: ...

    @abstractmethod
    @get("/stricter")
    def stricter(self) -> Iterator[Stricter]: ...

    @abstractmethod
    @post("/add_wider")
    def add_wider(self, items: Iterator[Wider]) -> list[str]: ...

    @abstractmethod
    @post("/add_stricter")
    def add_stricter(self, items: Iterator[Stricter]) -> list[str]: ...


@component(name="shop-component", services=[Shop, AsyncShop, Feed, Archive], catalog=CATALOG)
class ShopComponent(Component): ...


@component(name="ledger-component", services=[Ledger], catalog=CATALOG)
class LedgerComponent(Component): ...
