"""A component to serve in tests: what it does can be watched and held up from outside."""

from __future__ import annotations

import asyncio
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, field_validator

from service_core import (
    AbstractComponent,
    AuthorizationException,
    ChannelAddress,
    Component,
    ComponentDescriptor,
    ComponentRegistry,
    DeclarationException,
    Health,
    InvalidTokenException,
    LocalComponentRegistry,
    MissingTokenException,
    Server,
    Service,
    TokenExpiredException,
    allow_anonymous,
    component,
    current_context,
    current_deadline,
    current_principal,
    health,
    raises,
    service,
)
from service_core.di import create, module, on_destroy
from service_server_fastapi import FastAPIServer, RequestContext

INVOKE = "desk-component:desk:"


class Ticket(BaseModel):
    number: int = Field(ge=1)
    tags: list[str] = []

    @field_validator("tags")
    @classmethod
    def are_known(cls, tags: list[str]) -> list[str]:
        known = {"a": "a", "ä": "ä"}
        return [known[tag] for tag in tags]  # a mistake: what is not known raises KeyError


@dataclass
class Sold(Exception):
    number: int


@service(name="desk")
class Desk(Service):
    @abstractmethod
    def echo(self, text: str, *, times: int = 1) -> str: ...

    @abstractmethod
    async def echo_async(self, text: str) -> str: ...

    @abstractmethod
    @raises(Sold)
    def sell(self, ticket: Ticket) -> Ticket: ...

    @abstractmethod
    @allow_anonymous
    def whereabouts(self) -> dict[str, str | None]: ...

    @abstractmethod
    async def whereabouts_async(self) -> dict[str, str | None]: ...

    @abstractmethod
    def block(self) -> str: ...

    @abstractmethod
    async def linger(self) -> str: ...

    @abstractmethod
    def let_go(self) -> None: ...

    @abstractmethod
    def fail(self, kind: str) -> str: ...

    @abstractmethod
    async def fail_async(self, kind: str) -> str: ...


@service(name="elsewhere")
class Elsewhere(Service):
    """A service of the process that is implemented somewhere else."""

    @abstractmethod
    def run(self) -> str: ...


@component(name="desk-component", services=[Desk])
class DeskComponent(Component): ...


@component(name="elsewhere-component", services=[Elsewhere])
class ElsewhereComponent(Component): ...


def failure(kind: str) -> BaseException:
    known: dict[str, Callable[[], BaseException]] = {
        "secret": lambda: ValueError("password=hunter2"),
        "exit": lambda: SystemExit(3),
        "stop": StopIteration,
        "cancelled": asyncio.CancelledError,
        "timeout": lambda: TimeoutError("of a database"),
        "declaration": lambda: DeclarationException("of another service"),
        "missing": lambda: MissingTokenException("who are you?"),
        "invalid": lambda: InvalidTokenException("token=hunter2"),
        "expired": lambda: TokenExpiredException("token=hunter2"),
        "denied": lambda: AuthorizationException("not yours"),
    }
    return known[kind]()


class DeskImpl(Desk):
    """Counts what it runs, and blocks until it is released."""

    def __init__(self) -> None:
        self.tell: Callable[[str], None] = lambda what: None
        self.forget()

    def forget(self) -> None:
        """Be as new, for the next test."""
        self.runs: list[str] = []
        self.entered = threading.Semaphore(0)
        self.release = threading.Event()
        self.cancelled = threading.Event()

    def echo(self, text: str, *, times: int = 1) -> str:
        self.runs.append("echo")
        return text * times

    async def echo_async(self, text: str) -> str:
        self.runs.append("echo_async")
        return text

    def sell(self, ticket: Ticket) -> Ticket:
        self.runs.append("sell")
        if ticket.number == 13:
            raise Sold(13)
        return ticket

    def whereabouts(self) -> dict[str, str | None]:
        return _whereabouts()

    async def whereabouts_async(self) -> dict[str, str | None]:
        return _whereabouts()

    def block(self) -> str:
        self.runs.append("block")
        self.entered.release()
        self.tell("blocked")
        return "released" if self.release.wait(60) else "forgotten"

    async def linger(self) -> str:
        self.runs.append("linger")
        self.entered.release()
        self.tell("lingering")
        try:
            while not self.release.is_set():  # noqa: ASYNC110 - it is set by another thread
                await asyncio.sleep(0.005)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return "released"

    def let_go(self) -> None:
        self.release.set()

    def fail(self, kind: str) -> str:
        raise failure(kind)

    async def fail_async(self, kind: str) -> str:
        raise failure(kind)

    def unlisted(self) -> str:
        """Public, but not declared in the interface."""
        self.runs.append("unlisted")
        return "reached"


def _whereabouts() -> dict[str, str | None]:
    deadline = current_deadline()
    try:
        asyncio.get_running_loop()
        on_loop = "yes"
    except RuntimeError:
        on_loop = "no"
    request = RequestContext.get_request() if RequestContext.is_active() else None
    return {
        "thread": threading.current_thread().name,
        "on_loop": on_loop,
        "remaining": None if deadline is None else str(deadline.remaining),
        "correlation_id": current_context().correlation_id,
        "principal": current_principal(),
        "user_agent": None if request is None else request.headers.get("user-agent"),
    }


@health("/health/desk")
class DeskComponentImpl(AbstractComponent, DeskComponent):
    """Writes the steps of its life into a log."""

    def __init__(self, log: list[str]) -> None:
        super().__init__()
        self.log = log
        self.health: Callable[[], Any] = Health

    def startup(self) -> None:
        super().startup()
        self.log.append("startup")

    def shutdown(self) -> None:
        super().shutdown()
        self.log.append("shutdown")

    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return [ChannelAddress("dispatch-json", Server.get_url(port))]

    async def get_health(self) -> Health:
        found = self.health()
        health: Health = await found if asyncio.iscoroutine(found) else found
        return health


class LoggingRegistry(LocalComponentRegistry):
    """Writes what it receives into a log."""

    def __init__(self, log: list[str]) -> None:
        super().__init__()
        self.log = log
        self.on_register: Callable[[], None] = lambda: None
        self.on_deregister: Callable[[], None] = lambda: None

    def register(
        self, descriptor: ComponentDescriptor, addresses: Sequence[ChannelAddress], *, health: str | None = None
    ) -> None:
        self.log.append("register")
        self.on_register()
        super().register(descriptor, addresses, health=health)

    def deregister(self, descriptor: ComponentDescriptor) -> None:
        self.log.append("deregister")
        self.on_deregister()
        super().deregister(descriptor)


class World:
    """The objects behind one server."""

    def __init__(self, log: list[str] | None = None) -> None:
        self.log: list[str] = [] if log is None else log
        self.desk = DeskImpl()
        self.component = DeskComponentImpl(self.log)
        self.registry = LoggingRegistry(self.log)
        self.url = ""
        """Where an ASGI server serves it, if one does."""

    def module(self, *imports: type) -> type:
        """A module that puts these objects into a container."""
        world = self

        @module(imports=imports)
        class DeskModule:
            @create()
            def create_desk(self) -> DeskImpl:
                return world.desk

            @create()
            def create_component(self) -> DeskComponentImpl:
                return world.component

            @create()
            def create_registry(self) -> ComponentRegistry:
                return world.registry

            @on_destroy()
            def end(self) -> None:
                world.log.append("destroyed")

        return DeskModule


def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition that has no event. Raises TimeoutError."""
    limit = time.monotonic() + 20
    while not holds():
        if time.monotonic() > limit:
            raise TimeoutError("it has not come to hold within 20 s")
        time.sleep(0.001)


@contextmanager
def serving(
    world: World | None = None, *, imports: Sequence[type] = (), **options: Any
) -> Iterator[tuple[FastAPIServer, World]]:
    """A server on a free port, as long as the block lasts; calls that are held up are released at its end."""
    world = world or World()
    with FastAPIServer("127.0.0.1", 0, **options) as server:
        try:
            server.boot(world.module(*imports))
            yield server, world
        finally:
            world.desk.release.set()
