"""What serves the new version: each method tells what has arrived."""

from __future__ import annotations

from collections.abc import Iterator

from service_core import AbstractComponent, ChannelAddress, Server, implementation
from tests.versions.catalogs import CHANNELS
from tests.versions.new.interface import (
    CATALOG,
    AsyncShop,
    Catalogue,
    Color,
    Feed,
    Narrower,
    Shop,
    ShopComponent,
    Stock,
    StockComponent,
    Stricter,
    Wider,
)


@implementation(catalog=CATALOG)
class ShopImpl(Shop):
    def optional_added(self, number: int, *, deep: int = 7) -> list[str]:
        return [f"number={number}", f"deep={deep}"]

    def required_added(self, number: int, size: int) -> list[str]:
        return [f"number={number}", f"size={size}"]

    def optional_removed(self, number: int) -> list[str]:
        return [f"number={number}"]

    def required_removed(self, number: int) -> list[str]:
        return [f"number={number}"]

    def renamed(self, count: int) -> list[str]:
        return [f"count={count}"]

    def reordered(self, *, payee: str, payer: str) -> list[str]:
        return [f"payee={payee}", f"payer={payer}"]

    def made_optional(self, number: int, size: int = 5) -> list[str]:
        return [f"number={number}", f"size={size}"]

    def default_changed(self, number: int, limit: int = 20) -> list[str]:
        return [f"number={number}", f"limit={limit}"]

    def type_changed(self, number: str) -> list[str]:
        return [f"number={number}"]

    def field_added(self, item: Wider) -> list[str]:
        return [f"{name}={value}" for name, value in item.model_dump().items()]

    def field_removed(self, item: Narrower) -> list[str]:
        return [f"{name}={value}" for name, value in item.model_dump().items()]

    def required_field_added(self, item: Stricter) -> list[str]:
        return [f"{name}={value}" for name, value in item.model_dump().items()]

    def member_given(self, color: Color) -> list[str]:
        return [f"color={color.value}"]

    def member_returned(self) -> Color:
        return Color.GREEN

    def field_returned(self) -> Wider:
        return Wider(number=3, size=6)

    def required_field_returned(self) -> Stricter:
        return Stricter(number=3, size=6)

    def method_added(self, number: int) -> list[str]:
        return [f"number={number}"]


@implementation(catalog=CATALOG)
class AsyncShopImpl(AsyncShop):
    async def optional_added(self, number: int, *, deep: int = 7) -> list[str]:
        return [f"number={number}", f"deep={deep}"]

    async def required_added(self, number: int, size: int) -> list[str]:
        return [f"number={number}", f"size={size}"]

    async def optional_removed(self, number: int) -> list[str]:
        return [f"number={number}"]

    async def required_removed(self, number: int) -> list[str]:
        return [f"number={number}"]

    async def renamed(self, count: int) -> list[str]:
        return [f"count={count}"]

    async def reordered(self, *, payee: str, payer: str) -> list[str]:
        return [f"payee={payee}", f"payer={payer}"]

    async def made_optional(self, number: int, size: int = 5) -> list[str]:
        return [f"number={number}", f"size={size}"]

    async def default_changed(self, number: int, limit: int = 20) -> list[str]:
        return [f"number={number}", f"limit={limit}"]

    async def type_changed(self, number: str) -> list[str]:
        return [f"number={number}"]

    async def field_added(self, item: Wider) -> list[str]:
        return [f"{name}={value}" for name, value in item.model_dump().items()]

    async def field_removed(self, item: Narrower) -> list[str]:
        return [f"{name}={value}" for name, value in item.model_dump().items()]

    async def required_field_added(self, item: Stricter) -> list[str]:
        return [f"{name}={value}" for name, value in item.model_dump().items()]

    async def member_given(self, color: Color) -> list[str]:
        return [f"color={color.value}"]

    async def member_returned(self) -> Color:
        return Color.GREEN

    async def field_returned(self) -> Wider:
        return Wider(number=3, size=6)

    async def required_field_returned(self) -> Stricter:
        return Stricter(number=3, size=6)

    async def method_added(self, number: int) -> list[str]:
        return [f"number={number}"]


@implementation(catalog=CATALOG)
class CatalogueImpl(Catalogue):
    def count(self) -> int:
        return 3

    async def count_async(self) -> int:
        return 3


@implementation(catalog=CATALOG)
class StockImpl(Stock):
    def count(self) -> int:
        return 3

    async def count_async(self) -> int:
        return 3


@implementation(catalog=CATALOG)
class FeedImpl(Feed):
    def wider(self) -> Iterator[Wider]:
        yield from (Wider(number=number, size=6) for number in range(3))

    def narrower(self) -> Iterator[Narrower]:
        yield from (Narrower(number=number) for number in range(3))

    def stricter(self) -> Iterator[Stricter]:
        yield from (Stricter(number=number, size=6) for number in range(3))

    def add_wider(self, items: Iterator[Wider]) -> list[str]:
        return [repr(item) for item in items]

    def add_stricter(self, items: Iterator[Stricter]) -> list[str]:
        return [repr(item) for item in items]


@implementation(catalog=CATALOG)
class ShopComponentImpl(AbstractComponent, ShopComponent):
    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return [ChannelAddress(channel, Server.get_url(port)) for channel in CHANNELS]


@implementation(catalog=CATALOG)
class StockComponentImpl(AbstractComponent, StockComponent):
    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return [ChannelAddress(channel, Server.get_url(port)) for channel in CHANNELS]
