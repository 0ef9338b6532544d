"""A service with streams over REST, and an implementation that notes how its generators end."""

from __future__ import annotations

import asyncio
import threading
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field

from service_core import ErrorCode, Service, implementation, raises, service
from service_core.rest import QueryParam, get, post, rest

__all__ = ["Message", "NoSuchRoom", "Rooms", "RoomsImpl"]


class Message(BaseModel):
    """What was said."""

    text: str
    number: int = Field(alias="no")


@dataclass
class NoSuchRoom(Exception):
    """There is no such room."""

    room: str

    code = ErrorCode.NOT_FOUND


@service(name="stream-rooms")
@rest("/rooms")
class Rooms(Service):
    """Streams of each form that has a route."""

    @abstractmethod
    @get("/{room}/messages")
    @raises(NoSuchRoom)
    def watch(self, room: str, count: int = 3) -> AsyncIterator[Message]: ...

    @abstractmethod
    @get("/{room}/lines")
    @raises(NoSuchRoom)
    def lines(self, room: str, count: int = 3) -> Iterator[str]: ...

    @abstractmethod
    @post("/{room}/messages")
    async def tell(
        self, room: str, messages: AsyncIterator[Message], factor: Annotated[int, QueryParam()] = 1
    ) -> int: ...

    @abstractmethod
    @post("/{room}/lines")
    def tell_lines(self, room: str, lines: Iterator[str]) -> str: ...


@implementation
class RoomsImpl(Rooms):
    """``ended`` is set by the ``finally`` block of each method."""

    def __init__(self) -> None:
        self.ended = threading.Event()

    async def watch(self, room: str, count: int = 3) -> AsyncIterator[Message]:
        try:
            for number in range(count):
                yield Message(text=f"{room}\nsecond line", no=number)
            if room == "endless":
                await asyncio.Event().wait()
            if room == "missing":
                raise NoSuchRoom(room)
            if room == "broken":
                raise KeyError("secret")
        finally:
            self.ended.set()

    def lines(self, room: str, count: int = 3) -> Iterator[str]:
        try:
            for number in range(count):
                yield f"{room} {number}"
            if room == "missing":
                raise NoSuchRoom(room)
        finally:
            self.ended.set()

    async def tell(self, room: str, messages: AsyncIterator[Message], factor: int = 1) -> int:
        try:
            return sum([message.number * factor async for message in messages])
        finally:
            self.ended.set()

    def tell_lines(self, room: str, lines: Iterator[str]) -> str:
        return room + "".join(lines)
