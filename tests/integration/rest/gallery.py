"""A service whose methods use every verb and every place in a request, for sync and async callers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, Field

from service_core import (
    AbstractComponent,
    AuthorizationException,
    ChannelAddress,
    Component,
    ComponentRegistry,
    ErrorCode,
    InvalidTokenException,
    LocalComponentRegistry,
    MissingTokenException,
    RemoteServiceException,
    Server,
    Service,
    TokenExpiredException,
    component,
    current_context,
    implementation,
    raises,
    service,
)
from service_core.di import create, module
from service_core.rest import Body, Header, QueryParam, delete, get, patch, post, put, rest

CHANNELS = ("dispatch-json", "dispatch-msgpack", "rest")


class Style(Enum):
    OIL = "oil"
    INK = 2


class Painting(BaseModel):
    title: str = Field(min_length=1)
    pixels: bytes = b""
    painted: datetime = datetime(1889, 6, 1, tzinfo=UTC)
    sketches: list[Painting] = []


@dataclass
class Frame:
    width: float
    height: float


@dataclass
class NotHanging(Exception):
    """No such painting hangs here."""

    code: ClassVar[ErrorCode] = ErrorCode.NOT_FOUND
    title: str
    wall: int


@service(name="gallery")
@rest("/gallery")
class Gallery(Service):
    @abstractmethod
    @get("/paintings")
    def find(
        self,
        *,
        styles: list[Style] = [],  # noqa: B006
        since: datetime | None = None,
        ids: Annotated[list[UUID], QueryParam(name="id")] = [],  # noqa: B006
        limit: int = 10,
    ) -> dict[str, Any]:
        """What is looked for."""

    @abstractmethod
    @get("/paintings/{title}")
    @raises(NotHanging)
    def painting(self, title: str) -> Painting: ...

    @abstractmethod
    @get("/paintings/latest")
    def latest(self) -> str: ...

    @abstractmethod
    @get("/paintings/{title}/on/{wall}")
    def place(self, title: str, wall: int) -> str: ...

    @abstractmethod
    @post("/paintings", status=201)
    def hang(self, painting: Painting) -> Painting: ...

    @abstractmethod
    @put("/paintings/{title}/frame")
    def reframe(self, title: str, frame: Frame, if_match: Annotated[str, Header()] = "none") -> str: ...

    @abstractmethod
    @patch("/paintings/{title}")
    def retitle(self, title: str, new: Annotated[str, Body()]) -> str: ...

    @abstractmethod
    @delete("/paintings/{title}", status=204)
    def take_down(self, title: str) -> None: ...

    @abstractmethod
    @get("/async/paintings/{title}")
    @raises(NotHanging)
    async def painting_async(self, title: str) -> Painting: ...

    @abstractmethod
    @post("/async/paintings")
    async def hang_async(self, painting: Painting) -> Painting: ...

    @abstractmethod
    @put("/async/paintings/{title}/frame")
    async def reframe_async(self, title: str, frame: Frame, if_match: Annotated[str, Header()] = "none") -> str: ...

    @abstractmethod
    @patch("/async/paintings/{title}")
    async def retitle_async(self, title: str, new: Annotated[str, Body()]) -> str: ...

    @abstractmethod
    @delete("/async/paintings/{title}")
    async def take_down_async(self, title: str) -> None: ...

    @abstractmethod
    @post("/failures")
    @raises(NotHanging)
    def fail(self, kind: str) -> str: ...

    @abstractmethod
    @post("/async/failures")
    @raises(NotHanging)
    async def fail_async(self, kind: str) -> str: ...

    @abstractmethod
    @get("/visitor")
    def visitor(self) -> str | None:
        """The token of who asks."""


@component(name="gallery-component", services=[Gallery])
class GalleryComponent(Component): ...


def failure(kind: str) -> Exception:
    """What an implementation may raise."""
    known: dict[str, Callable[[], Exception]] = {
        "declared": lambda: NotHanging("Sunflowers", 3),
        "undeclared": lambda: ValueError("password=hunter2"),
        "remote": lambda: RemoteServiceException("elsewhere", code=ErrorCode.RESOURCE_EXHAUSTED),
        "forbidden": lambda: AuthorizationException("not yours"),
        "missing": lambda: MissingTokenException("who are you?"),
        "invalid": lambda: InvalidTokenException("not yours either"),
        "expired": lambda: TokenExpiredException("yesterday"),
    }
    return known[kind]()


@implementation()
class GalleryImpl(Gallery):
    def find(
        self,
        *,
        styles: list[Style] = [],  # noqa: B006
        since: datetime | None = None,
        ids: list[UUID] = [],  # noqa: B006
        limit: int = 10,
    ) -> dict[str, Any]:
        return {"styles": [style.name for style in styles], "since": str(since), "ids": len(ids), "limit": limit}

    def painting(self, title: str) -> Painting:
        if title == "nothing":
            raise NotHanging(title, 1)
        return Painting(title=title, pixels=b"\xff\x00", sketches=[Painting(title="sketch")])

    def latest(self) -> str:
        return "latest"

    def place(self, title: str, wall: int) -> str:
        return f"place {title} {wall}"

    def hang(self, painting: Painting) -> Painting:
        return painting

    def reframe(self, title: str, frame: Frame, if_match: str = "none") -> str:
        return f"{title} {frame.width}x{frame.height} {if_match}"

    def retitle(self, title: str, new: str) -> str:
        return f"{title} {new}"

    def take_down(self, title: str) -> None:
        return None

    async def painting_async(self, title: str) -> Painting:
        return self.painting(title)

    async def hang_async(self, painting: Painting) -> Painting:
        return painting

    async def reframe_async(self, title: str, frame: Frame, if_match: str = "none") -> str:
        return self.reframe(title, frame, if_match)

    async def retitle_async(self, title: str, new: str) -> str:
        return f"{title} {new}"

    async def take_down_async(self, title: str) -> None:
        return None

    def fail(self, kind: str) -> str:
        raise failure(kind)

    async def fail_async(self, kind: str) -> str:
        raise failure(kind)

    def visitor(self) -> str | None:
        return current_context().token


@implementation()
class GalleryComponentImpl(AbstractComponent, GalleryComponent):
    def get_addresses(self, port: int) -> list[ChannelAddress]:
        url = f"http://{Server.get_local_ip()}:{port}"
        return [ChannelAddress(channel, url) for channel in CHANNELS]


@module()
class GalleryModule:
    @create()
    def create_registry(self) -> ComponentRegistry:
        return LocalComponentRegistry()
