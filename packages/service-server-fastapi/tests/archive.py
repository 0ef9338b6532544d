"""A component whose methods are plain HTTP requests, to be served in tests."""

from __future__ import annotations

import asyncio
import threading
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated, Any, ClassVar

from fastapi import FastAPI
from pydantic import BaseModel, Field

from service_core import (
    AbstractComponent,
    AuthorizationException,
    ChannelAddress,
    Component,
    ComponentRegistry,
    ErrorCode,
    LocalComponentRegistry,
    MissingTokenException,
    Service,
    TokenVerifier,
    component,
    current_context,
    current_deadline,
    max_concurrency,
    raises,
    service,
)
from service_core.di import create, module
from service_core.rest import Body, Header, QueryParam, delete, get, patch, post, put, rest
from service_server_fastapi import FastAPIServer, RequestContext, ServerSettings


class Kind(Enum):
    BOOK = "book"
    MAP = 7


class Record(BaseModel):
    title: str = Field(alias="theTitle", min_length=1)
    content: bytes = b""
    year: int = 0


@dataclass
class RecordNotFound(Exception):
    """There is no such record."""

    code: ClassVar[ErrorCode] = ErrorCode.NOT_FOUND
    key: str


@dataclass
class Locked(Exception):
    since: date


@service(name="archive")
@rest("/archive")
class Archive(Service):
    @abstractmethod
    @get("/records", examples=[["a"]])
    def records(
        self,
        *,
        kinds: Annotated[list[Kind], QueryParam(name="kind", description="Which kinds.", example=["book"])] = [],  # noqa: B006
        since: date | None = None,
    ) -> list[str]:
        """All records.

        Sorted by title.
        """

    @abstractmethod
    @get("/records/{key}")
    @raises(RecordNotFound)
    def record(self, key: str, if_none_match: Annotated[str, Header(description="An etag.")] = "") -> Record: ...

    @abstractmethod
    @get("/records/latest", deprecated=True, tags=["latest"])
    def latest(self) -> Record | None: ...

    @abstractmethod
    @get("/records/{key}/pages/{page}")
    def page(self, key: str, page: int) -> str: ...

    @abstractmethod
    @post("/records", status=201, summary="Add", description="Adds a record.")
    async def add(self, record: Record) -> Record: ...

    @abstractmethod
    @put("/records/{key}", status=200)
    @raises(RecordNotFound, Locked)
    async def store(self, key: str, record: Annotated[Record | None, Body()] = None) -> None: ...

    @abstractmethod
    @patch("/records/{key}")
    def rename(self, key: str, title: Annotated[str, Body()]) -> str: ...

    @abstractmethod
    @delete("/records/{key}")
    def remove(self, key: str) -> None: ...

    @abstractmethod
    @post("/mark")
    async def mark(self) -> str: ...

    @abstractmethod
    @post("/block")
    def block(self) -> str: ...

    @abstractmethod
    @post("/linger")
    async def linger(self) -> str: ...

    @abstractmethod
    def unlisted(self) -> str: ...


@component(name="archive-component", services=[Archive])
class ArchiveComponent(Component): ...


class ArchiveImpl(Archive):
    """Counts what it runs, and blocks until it is released."""

    def __init__(self) -> None:
        self.runs: list[tuple[Any, ...]] = []
        self.entered = threading.Semaphore(0)
        self.release = threading.Event()
        self.cancelled = threading.Event()

    def records(self, *, kinds: list[Kind] = [], since: date | None = None) -> list[str]:  # noqa: B006
        self.runs.append(("records", kinds, since))
        return [f"{kind.name}" for kind in kinds]

    def record(self, key: str, if_none_match: str = "") -> Record:
        self.runs.append(("record", key, if_none_match))
        if key == "nothing":
            raise RecordNotFound(key)
        if key == "secret":
            raise ValueError("password=hunter2")
        if key == "foreign":
            raise AuthorizationException("not yours")
        if key == "anonymous":
            raise MissingTokenException("who are you?")
        return Record(theTitle=key, content=b"\xff")

    def latest(self) -> Record | None:
        self.runs.append(("latest",))
        return None

    def page(self, key: str, page: int) -> str:
        self.runs.append(("page", key, page))
        return RequestContext.get_request().url.path

    async def add(self, record: Record) -> Record:
        self.runs.append(("add", record))
        return record

    async def store(self, key: str, record: Record | None = None) -> None:
        self.runs.append(("store", key, record))
        if key == "locked":
            raise Locked(date(2026, 1, 2))

    def rename(self, key: str, title: str) -> str:
        context = current_context()
        deadline = current_deadline()
        remaining = None if deadline is None else deadline.remaining
        return f"{threading.current_thread().name} {context.correlation_id} {context.token} {remaining}"

    def remove(self, key: str) -> None:
        self.runs.append(("remove", key))

    async def mark(self) -> str:
        self.runs.append(("mark",))
        return "marked"

    @max_concurrency(1)
    def block(self) -> str:
        self.entered.release()
        return "released" if self.release.wait(60) else "forgotten"

    async def linger(self) -> str:
        self.entered.release()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return "never"

    def unlisted(self) -> str:
        self.runs.append(("unlisted",))
        return "reached"


class ArchiveComponentImpl(AbstractComponent, ArchiveComponent):
    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return [ChannelAddress("rest", f"http://127.0.0.1:{port}")]


@dataclass(frozen=True)
class Served:
    """A running server and the object behind it."""

    server: FastAPIServer
    archive: ArchiveImpl

    @property
    def url(self) -> str:
        return self.server.url


@contextmanager
def serving(
    app: FastAPI | None = None, *, verifier: TokenVerifier | None = None, expose_errors: bool = False, **settings: Any
) -> Iterator[Served]:
    """The archive, as long as the block lasts."""
    archive = ArchiveImpl()

    @module()
    class ArchiveModule:
        @create()
        def create_archive(self) -> ArchiveImpl:
            return archive

        @create()
        def create_component(self) -> ArchiveComponentImpl:
            return ArchiveComponentImpl()

        @create()
        def create_registry(self) -> ComponentRegistry:
            return LocalComponentRegistry()

    reported = ServerSettings(**settings)
    with FastAPIServer(
        "127.0.0.1", 0, app, expose_errors=expose_errors, verifier=verifier, settings=reported
    ) as server:
        server.boot(ArchiveModule)
        try:
            yield Served(server=server, archive=archive)
        finally:
            archive.release.set()
