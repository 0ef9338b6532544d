"""A service whose instances can be held up and made ill, hosted by a process of its own.

``python -m tests.integration.lifecycle.work`` serves it until it is stopped, and prints its URL; with the argument
``run`` it serves in the foreground and prints nothing. Settings come from the environment: those of the server, those
of the registry, ``WORK_HEALTH``, a file with the name of the health status, and ``WORK_FAILS``, with which no start
succeeds.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
import warnings
from abc import abstractmethod
from pathlib import Path

from service_core import (
    AbstractComponent,
    ChannelAddress,
    Component,
    ComponentRegistry,
    Health,
    HealthStatus,
    Server,
    Service,
    component,
    health,
    implementation,
    service,
)
from service_core.di import create, injectable, module
from service_health import HealthCheckManager, health_check, health_checks
from service_registry_consul import ConsulComponentRegistry
from service_server_fastapi import FastAPIServer

__all__ = ["WorkComponent", "WorkService"]


@service(name="lifecycle-work")
class WorkService(Service):
    """None of it is idempotent, so none is repeated once it was sent."""

    @abstractmethod
    async def work(self, seconds: float) -> int:
        """Take that long without a thread; tells the process."""

    @abstractmethod
    def block(self, seconds: float) -> int:
        """Block a thread for that long; tells the process."""

    @abstractmethod
    def terminate_child(self) -> int:
        """Fork a child and terminate it; its exit code."""


@component(name="lifecycle-component", services=[WorkService])
class WorkComponent(Component): ...


@implementation()
class WorkServiceImpl(WorkService):
    async def work(self, seconds: float) -> int:
        await asyncio.sleep(seconds)
        return os.getpid()

    def block(self, seconds: float) -> int:
        time.sleep(seconds)
        return os.getpid()

    def terminate_child(self) -> int:
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of a fork beside threads
            pid = os.fork()
        if pid == 0:
            signal.pause()
        os.kill(pid, signal.SIGTERM)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@health_checks()
@injectable()
class Checks:
    @health_check()
    def dependency(self, result: HealthCheckManager.Result) -> None:
        file = os.environ.get("WORK_HEALTH")
        if file:
            result.set_status(HealthStatus[Path(file).read_text(encoding="utf-8").strip()])


@health("/health")
@implementation()
class WorkComponentImpl(AbstractComponent, WorkComponent):
    def __init__(self, checks: HealthCheckManager) -> None:
        super().__init__()
        self._checks = checks

    def get_addresses(self, port: int) -> list[ChannelAddress]:
        url = f"http://{Server.get_local_ip()}:{port}"
        return [ChannelAddress(channel, url) for channel in ("dispatch-json", "dispatch-msgpack")]

    async def get_health(self) -> Health:
        return await self._checks.check()

    def startup(self) -> None:
        super().startup()
        if os.environ.get("WORK_FAILS"):
            raise RuntimeError("this start fails")

    def shutdown(self) -> None:
        os.write(2, f"shutdown of {os.getpid()}\n".encode())
        super().shutdown()


@module()
class WorkModule:
    @create()
    def create_registry(self) -> ComponentRegistry:
        return ConsulComponentRegistry(Server.port)


if __name__ == "__main__":
    server = FastAPIServer()
    if sys.argv[1:] == ["run"]:
        server.run(WorkModule)
        sys.exit()
    server.boot(WorkModule)
    print(f"serving on {server.url}", flush=True)  # noqa: T201 - the test reads it
    server.wait()
