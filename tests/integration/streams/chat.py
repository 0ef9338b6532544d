"""A service with streams of each form, and an implementation that notes how its generators end."""

from __future__ import annotations

import asyncio
import threading
import time
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import cast

from service_core import Service, implementation, raises, service

__all__ = ["Chat", "ChatImpl", "RoomClosed"]


@dataclass
class RoomClosed(Exception):
    """A declared error."""

    room: str


@service(name="stream-chat")
class Chat(Service):
    """Streams of each form."""

    @abstractmethod
    @raises(RoomClosed)
    def watch(self, room: str, count: int = 3) -> AsyncIterator[str]: ...

    @abstractmethod
    @raises(RoomClosed)
    def lines(self, room: str, count: int = 3) -> Iterator[str]: ...

    @abstractmethod
    async def total(self, start: int, numbers: AsyncIterator[int], factor: int = 1) -> int: ...

    @abstractmethod
    def total_sync(self, numbers: Iterator[int]) -> int: ...

    @abstractmethod
    def talk(self, words: AsyncIterator[str]) -> AsyncIterator[str]: ...

    @abstractmethod
    def talk_sync(self, words: Iterator[str]) -> Iterator[str]: ...


@implementation
class ChatImpl(Chat):
    """``begun`` is set by the first item of an argument, ``ended`` by the ``finally`` block of each method."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.ended = threading.Event()
        self.produced = 0

    async def watch(self, room: str, count: int = 3) -> AsyncIterator[str]:
        try:
            for number in range(count):
                yield cast(str, 5) if room == "misfit" and number == 2 else f"{room} {number}"
                self.produced += 1
            if room == "endless":
                await asyncio.Event().wait()
            _fail(room)
        finally:
            await asyncio.sleep(0)
            self.ended.set()

    def lines(self, room: str, count: int = 3) -> Iterator[str]:
        try:
            for number in range(count):
                yield f"{room} {number}"
                self.produced += 1
            if room == "endless":
                time.sleep(2)
            _fail(room)
        finally:
            self.ended.set()

    async def total(self, start: int, numbers: AsyncIterator[int], factor: int = 1) -> int:
        try:
            async for number in numbers:
                self.begun.set()
                start += number * factor
        finally:
            self.ended.set()
        return start

    def total_sync(self, numbers: Iterator[int]) -> int:
        return sum(numbers)

    async def talk(self, words: AsyncIterator[str]) -> AsyncIterator[str]:
        try:
            async for word in words:
                yield word.upper()
        finally:
            self.ended.set()

    def talk_sync(self, words: Iterator[str]) -> Iterator[str]:
        try:
            for word in words:
                yield word.upper()
        finally:
            self.ended.set()


def _fail(room: str) -> None:
    if room == "closed":
        raise RoomClosed(room)
    if room == "broken":
        raise KeyError("secret")
