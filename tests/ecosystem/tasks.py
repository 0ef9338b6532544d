"""A celery application whose worker hosts a server and calls it before it forks; its tasks call it in the children.

``$TASKS_FOLDER`` has the queue, the results and a file with a line for each shutdown of the component.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_shutdown

from service_channels_http import Connection, connect
from service_core import (
    AbstractComponent,
    ChannelAddress,
    Component,
    Server,
    Service,
    component,
    implementation,
    service,
)
from service_server_fastapi import FastAPIServer, serve

__all__ = ["app", "double"]

FOLDER = Path(os.environ["TASKS_FOLDER"])
app = Celery("tasks", broker="filesystem://", backend=f"file://{FOLDER}/results")
app.conf.broker_transport_options = {
    f"{name}_folder{suffix}": str(FOLDER / "queue")
    for name, suffix in (("data", "_in"), ("data", "_out"), ("control", ""))
}
app.conf.worker_hijack_root_logger = False


@service
class Doubling(Service):
    @abstractmethod
    def double(self, number: int) -> int: ...


@component(services=[Doubling])
class DoublingComponent(Component): ...


@implementation
class DoublingImpl(Doubling):
    def double(self, number: int) -> int:
        return number * 2


@implementation
class DoublingComponentImpl(AbstractComponent, DoublingComponent):
    def shutdown(self) -> None:
        with (FOLDER / "shutdowns").open("a") as lines:
            lines.write(f"{os.getpid()}\n")
        super().shutdown()

    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return [ChannelAddress("dispatch-msgpack", Server.get_url(port))]


class Parent:
    """What the worker has before it forks."""

    server: FastAPIServer
    connection: Connection[Doubling]


@worker_init.connect  # type: ignore[untyped-decorator]
def begin(**_: Any) -> None:
    Parent.server = serve(DoublingImpl(), DoublingComponentImpl(), port=0).__enter__()
    Parent.connection = connect(Doubling, Parent.server.url)
    assert Parent.connection.service.double(1) == 2


@worker_shutdown.connect  # type: ignore[untyped-decorator]
def end(**_: Any) -> None:
    Parent.connection.close()
    Parent.server.stop()


@app.task  # type: ignore[untyped-decorator]
def double(number: int) -> tuple[int, int]:
    """The answer, and the process that has called."""
    return Parent.connection.service.double(number), os.getpid()
