"""Ready-made checks for common dependencies.

Each is a value that can be called as a check::

    manager.add_check(DiskSpace("/var/lib/orders"), cache=30)

or, within a class with other checks, ``DiskSpace("/var/lib/orders")(result)``.
"""

from __future__ import annotations

import asyncio
import http.client
import math
import shutil
import socket
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from service_core import ComponentRegistry, DeclarationException, HealthStatus
from service_health.findings import Result

__all__ = ["ComponentReachable", "DiskSpace", "EventLoopLag", "HttpReachable", "TcpReachable"]

_SAMPLE: Final = 0.05
"""Seconds of the sleep whose lateness is a loop's lag; short compared with the default limits."""


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """Whether the file system of a path has space left. Sync."""

    path: str
    warning: float = 0.10
    """The free fraction of the whole below which it is a WARNING."""
    error: float = 0.05
    """The free fraction of the whole below which it is an ERROR."""

    def __post_init__(self) -> None:
        """Raise DeclarationException for values that are not fractions, such as percentages."""
        if not 0 <= self.error <= self.warning <= 1:
            raise DeclarationException(
                f"DiskSpace(warning={self.warning!r}, error={self.error!r}): "
                f"use free fractions of the whole, 0 <= error <= warning <= 1"
            )

    def __call__(self, result: Result) -> None:
        """Read the free space; a path that does not exist raises."""
        usage = shutil.disk_usage(self.path)
        free = usage.free / usage.total
        status = HealthStatus.OK
        if free < self.error:
            status = HealthStatus.ERROR
        elif free < self.warning:
            status = HealthStatus.WARNING
        result.set_status(status, f"{free:.1%} of {self.path} free, {usage.free / 1e9:.1f} GB")


@dataclass(frozen=True, slots=True)
class EventLoopLag:
    """Whether an event loop runs its callbacks in time, or is blocked by code that does not await. Async.

    A blocked loop cannot run this check: pass it as ``loop`` and run the check on another thread.
    """

    warning: float = 0.1
    """The seconds of lag from which it is a WARNING."""
    error: float = 1.0
    """The seconds of lag from which it is an ERROR."""
    loop: asyncio.AbstractEventLoop | None = None
    """The loop to measure, by default the one on which the check runs."""

    def __post_init__(self) -> None:
        """Raise DeclarationException for limits in the wrong order."""
        if not 0 < self.warning <= self.error < math.inf:
            raise DeclarationException(
                f"EventLoopLag(warning={self.warning!r}, error={self.error!r}): use seconds, 0 < warning <= error"
            )

    async def __call__(self, result: Result) -> None:
        """Measure how late a short sleep ends."""
        loop = self.loop or asyncio.get_running_loop()
        if loop.is_closed():
            result.set_status(HealthStatus.ERROR, "the loop is closed")
            return
        began = time.monotonic()
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(asyncio.sleep(_SAMPLE), loop))
        lag = max(0.0, time.monotonic() - began - _SAMPLE)
        status = HealthStatus.OK
        if lag >= self.error:
            status = HealthStatus.ERROR
        elif lag >= self.warning:
            status = HealthStatus.WARNING
        result.set_status(status, f"{lag * 1000:.0f} ms late")


@dataclass(frozen=True, slots=True)
class TcpReachable:
    """Whether a server, such as a database, listens at an address. Sync: names are resolved in its thread."""

    host: str
    port: int
    timeout: float = 2.0
    """Seconds to wait for the connection; keep it below the timeout of the check."""
    severity: HealthStatus = HealthStatus.ERROR
    """The status if no server listens."""

    def __call__(self, result: Result) -> None:
        """Connect, and close the connection."""
        try:
            socket.create_connection((self.host, self.port), self.timeout).close()
        except OSError as error:
            result.set_status(self.severity, f"{self.host}:{self.port} is not reachable: {_reason(error)}")


@dataclass(frozen=True, slots=True)
class HttpReachable:
    """Whether a GET request succeeds, with 2xx or 3xx. Sync.

    An answer of 429 is a WARNING, as from the health endpoint of another service.
    Redirects are not followed, proxies of the environment not used.
    """

    url: str
    timeout: float = 2.0
    """Seconds to wait for the connection, and for the answer; keep both below the timeout of the check."""
    severity: HealthStatus = HealthStatus.ERROR
    """The status if the answer is another one, or none."""

    def __post_init__(self) -> None:
        """Raise DeclarationException for a URL that cannot be requested."""
        try:
            parts = urlsplit(self.url)
            usable = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
            _ = parts.port  # raises if it is not a port
        except ValueError:
            usable = False
        if not usable:
            raise DeclarationException("HttpReachable: use an absolute http or https URL without user and password")

    def __call__(self, result: Result) -> None:
        """Send the request, and read the status of the answer only."""
        parts = urlsplit(self.url)
        try:
            status = self._ask(parts)
        except (OSError, http.client.HTTPException) as error:
            result.set_status(self.severity, f"{_place(parts)} does not answer: {_reason(error)}")
            return
        if status == HealthStatus.WARNING.http_status:
            result.set_status(HealthStatus.WARNING, f"{_place(parts)} answered {status}")
        elif not 200 <= status < 400:
            result.set_status(self.severity, f"{_place(parts)} answered {status}")

    def _ask(self, parts: SplitResult) -> int:
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=self.timeout)
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        try:
            connection.request("GET", path, headers={"Accept": "*/*", "Connection": "close"})
            return connection.getresponse().status
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class ComponentReachable:
    """Whether a registry has an instance of another component. Sync: the first answer can take a moment."""

    registry: ComponentRegistry
    component: str
    timeout: float = 2.0
    """Seconds to wait while the registry has no answer; keep it below the timeout of the check."""
    severity: HealthStatus = HealthStatus.ERROR
    """The status if no instance of the component is registered."""

    def __call__(self, result: Result) -> None:
        """Read the registry; no call is made."""
        if not self.registry.wait_until_known(self.component, self.timeout):
            result.set_status(self.severity, f"no instance of component '{self.component}' is registered")


def _place(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc}{parts.path}"  # a query can hold secrets


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
