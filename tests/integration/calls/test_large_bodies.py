"""Bodies of 16 MB on every way: read once, in another thread than the event loop's."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgpack
import pytest
from fastapi import Depends, FastAPI
from pydantic import BaseModel, BeforeValidator

from service_core import Catalog, Service, implementation, service
from service_core.rest import post, rest
from service_server_fastapi import FastAPIServer, serve
from tests.integration.calls import large_bodies
from tests.support.figures import Figures

pytestmark = pytest.mark.slow

CATALOG = Catalog()
ROOT = Path(__file__).parents[3]
READ: list[int] = []
"""The number of each order, as often as it is read."""


def _noted(number: Any) -> Any:
    READ.append(number)
    return number


class Line(BaseModel):
    article: str
    amount: int


class Order(BaseModel):
    number: Annotated[int, BeforeValidator(_noted)]
    lines: list[Line]


@rest("/warehouse")
@service(name="warehouse")
class Warehouse(Service):
    @post("/orders")
    @abstractmethod
    def take(self, order: Order) -> int: ...


@implementation
class WarehouseImpl(Warehouse):
    def take(self, order: Order) -> int:
        return len(order.lines)


async def _nothing() -> None: ...


@pytest.fixture(params=[False, True], ids=["fast_path", "with dependencies"], scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[FastAPIServer]:
    app = FastAPI(dependencies=[Depends(_nothing)]) if request.param else None
    with serve(WarehouseImpl(), port=0, app=app) as server:
        yield server


def order(number: Any, size: int) -> dict[str, Any]:
    line = {"article": "an article with a name and a description " * 4, "amount": 12345}
    return {"number": number, "lines": [line] * (size // 200)}


def sent(way: str, value: Any) -> tuple[str, str, bytes]:
    """The path, the type and the body of a request."""
    if way == "rest":
        return "/warehouse/orders", "application/json", json.dumps(value, separators=(",", ":")).encode()
    call = {"method": "warehouse:warehouse:take", "args": [value]}
    body = json.dumps(call, separators=(",", ":")).encode() if way == "json" else bytes(msgpack.packb(call) or b"")
    return "/invoke", f"application/{way}", body


def answer_of(server: FastAPIServer, way: str, value: Any) -> int:
    return posted(server, *sent(way, value))


def posted(server: FastAPIServer, path: str, content_type: str, body: bytes) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        connection.request("POST", path, body, {"content-type": content_type})
        response = connection.getresponse()
        response.read()
        return response.status


@pytest.mark.parametrize("way", ["json", "msgpack", "rest"])
@pytest.mark.parametrize(("number", "status"), [(1, 200), ("a", 422)])
@pytest.mark.parametrize("size", [200, 200_000])
def test_a_body_is_read_once_right_or_wrong(
    server: FastAPIServer, way: str, number: Any, status: int, size: int
) -> None:
    READ.clear()
    assert answer_of(server, way, order(number, size)) == status
    assert [number] == READ


@pytest.fixture(scope="module")
def stock() -> Iterator[int]:
    """The port of a server that is a process of its own."""
    command = [sys.executable, "-m", large_bodies.__name__]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.communicate(timeout=60)


@contextmanager
def callers(port: int, path: str, content_type: str, body: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Two processes that send a body at once; the block begins when they do."""
    command = [sys.executable, "-c", large_bodies.SEND, str(port), path, content_type, str(body)]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
            )
            for _ in range(2)
        ]
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
        yield processes


METHODS = large_bodies.VALUES if os.environ.get("CHAOS") == "long" else ("order",)
WAYS = [(way, method) for way in ("json", "msgpack") for method in METHODS]


@pytest.mark.parametrize(("way", "method"), [*WAYS, ("json, by hand", "order"), ("rest", "order")])
def test_health_is_answered_while_large_bodies_are_read(
    stock: int, way: str, method: str, tmp_path: Path, figures: Figures
) -> None:
    path, content_type, body = large_bodies.body_of(way, method)
    file = tmp_path / "body"
    file.write_bytes(body)
    times = list[float]()
    with (
        closing(http.client.HTTPConnection("127.0.0.1", stock, timeout=60)) as connection,
        callers(stock, path, content_type, file) as processes,
    ):
        while any(process.poll() is None for process in processes):
            begin = time.monotonic()
            connection.request("GET", "/health/live")
            response = connection.getresponse()
            response.read()
            assert response.status == 200
            times.append(time.monotonic() - begin)
        assert [process.communicate()[0] for process in processes] == ["200\n", "200\n"]
    assert len(times) > 10
    times.sort()
    figures.add(
        f"health beside two bodies of {len(body) / 2**20:.0f} MB, {method}, {way}: ms at the median, at most",
        f"{times[len(times) // 2] * 1e3:.1f}, {times[-1] * 1e3:.0f}",
    )
