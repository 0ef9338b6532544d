"""The service that is called while things go wrong: it writes down what it has carried out."""

from __future__ import annotations

import asyncio
import os
import time
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from service_core import (
    AbstractComponent,
    ChannelAddress,
    Component,
    Health,
    Server,
    Service,
    component,
    health,
    idempotent,
    service,
)

__all__ = [
    "COMPONENT",
    "HEALTH_ASKED",
    "Elsewhere",
    "Journal",
    "Ledger",
    "LedgerComponentImpl",
    "LedgerImpl",
    "MakeLedger",
]

COMPONENT = "chaos-ledger-component"
HEALTH_ASKED = "health asked"
"""What a server writes down when it is asked for its health."""


@service(name="chaos-ledger")
class Ledger(Service):
    """Each entry that is passed is written down when it is carried out."""

    @abstractmethod
    @idempotent
    def read(self, entry: str) -> int:
        """The process that has answered."""

    @abstractmethod
    @idempotent
    async def read_async(self, entry: str) -> int:
        """The process that has answered."""

    @abstractmethod
    @idempotent
    def echo(self, entry: str) -> str:
        """The entry."""

    @abstractmethod
    def book(self, entry: str) -> int:
        """The process that has answered; not to be carried out twice."""

    @abstractmethod
    async def book_async(self, entry: str) -> int:
        """The process that has answered; not to be carried out twice."""

    @abstractmethod
    @idempotent
    def read_slowly(self, entry: str, seconds: float) -> int:
        """As ``read``, which takes that long."""

    @abstractmethod
    def book_slowly(self, entry: str, seconds: float) -> int:
        """As ``book``, which takes that long."""

    @abstractmethod
    @idempotent
    async def read_slowly_async(self, entry: str, seconds: float) -> int:
        """As ``read``, which takes that long."""

    @abstractmethod
    async def book_slowly_async(self, entry: str, seconds: float) -> int:
        """As ``book``, which takes that long."""

    @abstractmethod
    def leak(self, secret: str) -> None:
        """Raise an error that holds the secret."""

    @abstractmethod
    async def linger(self, seconds: float) -> None:
        """Take that long."""

    @abstractmethod
    def block(self, seconds: float) -> None:
        """Block a thread for that long."""


MakeLedger = Callable[..., Ledger]
"""Makes a proxy for given addresses; what else is given goes to its service manager."""


@component(name=COMPONENT, services=[Ledger])
class LedgerComponent(Component):
    """Hosts the ledger."""


@service(name="chaos-elsewhere")
class Elsewhere(Service):
    """A service that is declared here and implemented elsewhere."""

    @abstractmethod
    def read(self, entry: str) -> int:
        """Never carried out."""


@component(name="chaos-elsewhere-component", services=[Elsewhere])
class ElsewhereComponent(Component):
    """Is hosted nowhere."""


class Journal:
    """A file to which several processes append what they have carried out; survives their death."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def note(self, line: str) -> None:
        """Append a line, in one piece."""
        os.write(self._file, f"{line}\n".encode())

    def counts(self) -> Counter[str]:
        """How often each line was noted."""
        return Counter(self.path.read_text(encoding="utf-8").splitlines())

    def close(self) -> None:
        """Note nothing more."""
        os.close(self._file)


class LedgerImpl(Ledger):
    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def read(self, entry: str) -> int:
        self._journal.note(entry)
        return os.getpid()

    async def read_async(self, entry: str) -> int:
        return self.read(entry)

    def echo(self, entry: str) -> str:
        return entry

    def book(self, entry: str) -> int:
        self._journal.note(entry)
        return os.getpid()

    async def book_async(self, entry: str) -> int:
        return self.book(entry)

    def read_slowly(self, entry: str, seconds: float) -> int:
        self._journal.note(entry)
        time.sleep(seconds)
        return os.getpid()

    def book_slowly(self, entry: str, seconds: float) -> int:
        return self.read_slowly(entry, seconds)

    async def read_slowly_async(self, entry: str, seconds: float) -> int:
        self._journal.note(entry)
        await asyncio.sleep(seconds)
        return os.getpid()

    async def book_slowly_async(self, entry: str, seconds: float) -> int:
        return await self.read_slowly_async(entry, seconds)

    def leak(self, secret: str) -> None:
        raise ValueError(f"the password is {secret}")

    async def linger(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def block(self, seconds: float) -> None:
        time.sleep(seconds)


@health("/health/ledger")
class LedgerComponentImpl(AbstractComponent, LedgerComponent):
    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    def shutdown(self) -> None:
        self._journal.note("shutdown")
        super().shutdown()

    async def get_health(self) -> Health:
        self._journal.note(HEALTH_ASKED)
        return await super().get_health()

    def get_addresses(self, port: int) -> list[ChannelAddress]:
        url = f"http://{Server.get_local_ip()}:{port}"
        return [ChannelAddress("dispatch-json", url), ChannelAddress("dispatch-msgpack", url)]
