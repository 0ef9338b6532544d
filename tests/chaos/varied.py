"""An interface of many types, and a server of it in this process, for requests that are to cost much."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from service_core import (
    Catalog,
    Component,
    LocalComponentRegistry,
    Service,
    ServiceManager,
    component,
    implementation,
    service,
)
from service_core.dispatch import Dispatcher, Executor, Response, ThreadPool, targets_of
from service_core.wire import CODECS

CATALOG = Catalog()


class Item(BaseModel):
    name: str
    note: str = ""


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = ""


@dataclass
class Node:
    value: int = 0
    children: list[Node] = field(default_factory=list)


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str = ""


@service(name="varied", catalog=CATALOG)
class Varied(Service):
    @abstractmethod
    async def text(self, value: str) -> None: ...

    @abstractmethod
    async def number(self, value: float, exact: Decimal, when: datetime, raw: bytes) -> None: ...

    @abstractmethod
    async def items(self, value: list[Item]) -> None: ...

    @abstractmethod
    async def mapping(self, value: dict[str, Item]) -> None: ...

    @abstractmethod
    async def numbered(self, value: dict[int, int]) -> None: ...

    @abstractmethod
    async def identified(self, value: dict[UUID, int]) -> None: ...

    @abstractmethod
    async def integers(self, value: set[int]) -> None: ...

    @abstractmethod
    async def decimals(self, value: set[Decimal]) -> None: ...

    @abstractmethod
    async def choices(self, value: list[int | datetime | Item]) -> None: ...

    @abstractmethod
    async def tagged(self, value: list[Annotated[Cat | Dog, Field(discriminator="kind")]]) -> None: ...

    @abstractmethod
    async def tree(self, value: Node) -> None: ...

    @abstractmethod
    async def closed(self, value: Closed) -> None: ...

    @abstractmethod
    async def code(self, value: Annotated[str, Field(pattern=r"^(a+)+$")]) -> None: ...

    @abstractmethod
    async def anything(self, value: Any) -> None: ...


METHODS = tuple(name for name in vars(Varied) if not name.startswith("_"))


@component(name="varied-component", services=[Varied], catalog=CATALOG)
class VariedComponent(Component): ...


async def _nothing(self: Varied, *args: Any) -> None: ...


VariedImpl = implementation(catalog=CATALOG)(type("VariedImpl", (Varied,), dict.fromkeys(METHODS, _nothing)))


@contextmanager
def varied_dispatcher() -> Iterator[Callable[[str, bytes], Response]]:
    """Sends requests in a format, ``json`` or ``msgpack``, to a dispatcher; gives its answers."""
    manager = ServiceManager(LocalComponentRegistry(), implementations=[VariedImpl()], catalog=CATALOG)
    with closing(ThreadPool(1)) as workers, asyncio.Runner() as runner, manager:
        dispatcher = Dispatcher(targets_of(manager.hosted_services()), Executor(workers), readers=workers)
        types = {name.rpartition("/")[2]: name for name in CODECS}
        yield lambda form, body: runner.run(dispatcher.dispatch(types[form], body))


def call_of(form: str, method: str, argument: bytes) -> bytes:
    """A request with one argument, which is written already."""
    name = f"varied-component:varied:{method}".encode()
    if form == "json":
        return b'{"method":"%s","args":[%s]}' % (name, argument)
    return b"\x82\xa6method\xd9%c%s\xa4args\x91%s" % (len(name), name, argument)
