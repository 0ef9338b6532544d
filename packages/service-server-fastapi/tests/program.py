"""A program that serves the desk, one way or another; tests run it as a process of its own.

program.py run       serves in the foreground
program.py boot      serves in the background and waits for the end of standard input
program.py end       serves in the background and comes to its end
program.py handler   as boot, with a handler of its own for SIGTERM
program.py failing   as run, with a component that does not start
program.py breaking  as run, with a component that does not stop

``make_app`` and ``make_failing_app`` are for ASGI servers. Settings come from the environment. It prints what
happens, line by line.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from typing import TYPE_CHECKING

from desk import DeskComponentImpl, LoggingRegistry, World

from service_server_fastapi import FastAPIServer

if TYPE_CHECKING:
    from fastapi import FastAPI


class PrintedLog(list[str]):
    """Sent to another process at once."""

    def append(self, line: str, /) -> None:
        """Tell a line; one write, so that those of several processes do not mix."""
        super().append(line)
        os.write(1, f"{line}\n".encode())


class FailingComponent(DeskComponentImpl):
    def startup(self) -> None:
        raise ConnectionError("the database is away")


class BreakingComponent(DeskComponentImpl):
    def shutdown(self) -> None:
        super().shutdown()
        raise ConnectionError("the database is away")


COMPONENTS = {"failing": FailingComponent, "breaking": BreakingComponent}


def make_world(how: str) -> World:
    world = World(PrintedLog())
    world.component = COMPONENTS.get(how, DeskComponentImpl)(world.log)
    world.registry = SharedRegistry(world.log)
    world.desk.tell = world.log.append
    return world


class SharedRegistry(LoggingRegistry):
    is_shared = True


def make_app() -> FastAPI:
    return FastAPIServer().asgi(make_world("asgi").module())


def make_failing_app() -> FastAPI:
    return FastAPIServer().asgi(make_world("failing").module())


def main(how: str) -> None:
    # Who runs tests in the background may ignore it, and we inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    world = make_world(how)
    server = FastAPIServer()
    if how in ("run", "failing", "breaking"):
        server.run(world.module())
        world.log.append("over")
        return
    if how == "handler":
        signal.signal(signal.SIGTERM, lambda number, frame: world.log.append("handled"))
    server.boot(world.module())
    while how != "end" and not select.select([sys.stdin], [], [], 0.2)[0]:
        pass


if __name__ == "__main__":
    main(sys.argv[1])
