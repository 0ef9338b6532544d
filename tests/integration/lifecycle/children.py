"""A server whose method starts child processes: ``python -m tests.integration.lifecycle.children START_METHOD``.

It calls itself, also from a child, and prints one line for each result; the last one comes from the end of the server.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from abc import abstractmethod
from typing import Any

from service_channels_http import connect
from service_core import (
    AbstractComponent,
    ChannelAddress,
    Component,
    Policy,
    Server,
    Service,
    component,
    implementation,
    service,
)
from service_server_fastapi import serve

METHOD = sys.argv[1] if len(sys.argv) > 1 else "spawn"
PATIENT = Policy(timeout=120.0)  # children that import everything anew take seconds on a busy machine


def context() -> Any:
    return multiprocessing.get_context(METHOD)


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


@service(name="family")
class Family(Service):
    @abstractmethod
    def squares(self, numbers: list[int]) -> list[int]:
        """Computed by a pool."""

    @abstractmethod
    def terminated(self) -> int:
        """The exit code of a child that was terminated."""


@component(name="family-component", services=[Family])
class FamilyComponent(Component): ...


@implementation()
class FamilyImpl(Family):
    def squares(self, numbers: list[int]) -> list[int]:
        with context().Pool(2) as pool:
            found: list[int] = pool.map(square, numbers)
            return found

    def terminated(self) -> int:
        child = context().Process(target=signal.pause)
        child.start()
        child.terminate()
        child.join(60)
        code: int = child.exitcode
        return code


@implementation()
class FamilyComponentImpl(AbstractComponent, FamilyComponent):
    def shutdown(self) -> None:
        say("shutdown")
        super().shutdown()

    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return [ChannelAddress("dispatch-msgpack", Server.get_url(port))]


def square(number: int) -> int:
    return number * number


def call(url: str) -> None:
    """In a child: with connections of its own."""
    with connect(Family, url, policy=PATIENT) as family:
        say(f"called from a child: {family.squares([4])}")


def main() -> None:
    with (
        serve(FamilyImpl(), FamilyComponentImpl(), port=0) as server,
        connect(Family, server.url, policy=PATIENT) as family,
    ):
        say(f"pool: {family.squares([1, 2, 3])}")
        say(f"terminated: {family.terminated()}")
        child = context().Process(target=call, args=(server.url,))
        child.start()
        child.join(60)
        say(f"ready: {server.is_ready}")


if __name__ == "__main__":
    main()
