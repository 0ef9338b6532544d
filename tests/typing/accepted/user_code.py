"""What users write; mypy --strict and pyright must find nothing here."""

from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Sequence
from typing import assert_type

from service_core import (
    AbstractComponent,
    ChannelAddress,
    Component,
    ComponentRegistry,
    Endpoint,
    LocalComponentRegistry,
    Server,
    Service,
    ServiceManager,
    ServiceModule,
    URLSelector,
    awaitable,
    blocking,
    component,
    health,
    idempotent,
    implementation,
    inject_service,
    raises,
    service,
)
from service_core.aop import Invocation, advice, around, methods
from service_core.di import Environment, create, inject, injectable, module, on_destroy, on_init
from service_core.registry import Snapshot
from service_server_fastapi import FastAPIServer


class Refused(Exception):
    pass


@service(name="typed-service")
@raises(Refused)
class TypedService(Service):
    @abstractmethod
    @idempotent
    def hello(self, message: str, *, times: int = 1) -> str: ...

    @abstractmethod
    @raises(Refused)
    async def count(self, words: list[str]) -> dict[str, int]: ...

    @abstractmethod
    def watch(self, room: str) -> AsyncIterator[str]: ...

    @abstractmethod
    def lines(self, room: str) -> Iterator[int]: ...


@component(services=[TypedService])
class TypedComponent(Component): ...


@implementation(inline=True)
class TypedServiceImpl(TypedService):
    def hello(self, message: str, *, times: int = 1) -> str:
        return message * times

    async def count(self, words: list[str]) -> dict[str, int]:
        return {word: words.count(word) for word in words}

    async def watch(self, room: str) -> AsyncIterator[str]:
        yield room

    def lines(self, room: str) -> Iterator[int]:
        yield len(room)


@health("/health")
@implementation()
class TypedComponentImpl(AbstractComponent, TypedComponent):
    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return [ChannelAddress("dispatch-json", f"http://{Server.get_local_ip()}:{port}")]


@injectable()
class Caller:
    def __init__(self, manager: ServiceManager) -> None:
        self.manager = manager

    @inject_service(preferred_channel="local")
    def set_service(self, typed: TypedService) -> None:
        self.typed = typed

    @inject()
    def set_registry(self, registry: ComponentRegistry) -> None:
        self.registry = registry

    @on_init()
    def begin(self) -> None: ...

    @on_destroy()
    def end(self) -> None: ...


@advice
class Trace:
    @around(methods().named("hello").of_type(TypedService))
    def trace(self, invocation: Invocation) -> object:
        return invocation.proceed()


class Last(URLSelector):
    def select(self, endpoints: Sequence[Endpoint]) -> Endpoint:
        return endpoints[-1]


@module(imports=[ServiceModule])
class TypedModule:
    @create()
    def create_registry(self) -> LocalComponentRegistry:
        return LocalComponentRegistry()


async def use(environment: Environment) -> None:
    manager = assert_type(environment.get(ServiceManager), ServiceManager)
    typed = assert_type(manager.get_service(TypedService, preferred_channel="local"), TypedService)
    assert_type(typed.hello("a", times=2), str)
    assert_type(await typed.count(["a"]), dict[str, int])
    assert_type(TypedServiceImpl().hello("a"), str)
    assert_type(Caller(manager).typed, TypedService)
    assert_type(manager.wait_for(TypedComponent, 1.0), Snapshot)


def serve() -> Environment:
    with FastAPIServer(host="127.0.0.1", port=0) as server:
        return assert_type(server.boot(TypedModule), Environment)


def other_forms(typed: TypedService) -> None:
    assert_type(blocking(typed.count)(["a"]), dict[str, int])
    assert_type(blocking(typed.watch)("a"), Generator[str, None, None])


async def other_forms_async(typed: TypedService) -> None:
    assert_type(await awaitable(typed.hello)("a"), str)
    assert_type(awaitable(typed.lines)("a"), AsyncGenerator[int, None])
    async for word in typed.watch("a"):
        assert_type(word, str)
