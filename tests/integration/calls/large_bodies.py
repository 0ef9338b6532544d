"""A server of large values as a process of its own, and bodies of 15 MB for it, each of fewer than a million values."""

from __future__ import annotations

import json
import sys
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgpack
from pydantic import BaseModel

from service_core import Service, implementation, service
from service_core.rest import post, rest
from service_server_fastapi import serve

SIZE: Final = 15 * 1024 * 1024
SEND: Final = """
import http.client, sys
port, path, content_type, body = sys.argv[1:]
connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=120)
sys.stdin.readline()
connection.request("POST", path, open(body, "rb").read(), {"content-type": content_type})
print(connection.getresponse().status)
"""
"""A program that waits for a line, sends a body and prints the status of the answer."""


class Line(BaseModel):
    article: str
    amount: int


class Order(BaseModel):
    number: int
    lines: list[Line]


@rest("/stock")
@service(name="stock")
class Stock(Service):
    @abstractmethod
    def integers(self, value: list[int]) -> int: ...

    @abstractmethod
    def texts(self, value: list[str]) -> int: ...

    @abstractmethod
    def lines(self, value: list[Line]) -> int: ...

    @abstractmethod
    def table(self, value: dict[str, int]) -> int: ...

    @post("/order")
    @abstractmethod
    def order(self, value: Order) -> int: ...


@implementation
class StockImpl(Stock):
    def integers(self, value: list[int]) -> int:
        return len(value)

    def texts(self, value: list[str]) -> int:
        return len(value)

    def lines(self, value: list[Line]) -> int:
        return len(value)

    def table(self, value: dict[str, int]) -> int:
        return len(value)

    def order(self, value: Order) -> int:
        return len(value.lines)


_LINE: Final = {"article": "an article with a name and a description", "amount": 12345}
VALUES: Final[Mapping[str, Callable[[], Any]]] = {
    "integers": lambda: list(range(10**13, 10**13 + SIZE // 16)),
    "texts": lambda: ["some text of a few words"] * (SIZE // 28),
    "lines": lambda: [_LINE] * (SIZE // 80),
    "table": lambda: {f"the key of number {number:09d}": number for number in range(SIZE // 40)},
    "order": lambda: {"number": 1, "lines": [_LINE] * (SIZE // 80)},
}
"""By method: what makes its argument."""


def body_of(way: str, method: str) -> tuple[str, str, bytes]:
    """The path, the type and the body of a request."""
    value = VALUES[method]()
    if way == "rest":
        return f"/stock/{method}", "application/json", json.dumps(value).encode()
    call = {"method": f"stock:stock:{method}", "args": [value]}
    if way == "json, by hand":
        return "/invoke", "application/json", json.dumps(call).encode()
    body = json.dumps(call, separators=(",", ":")).encode() if way == "json" else bytes(msgpack.packb(call) or b"")
    return "/invoke", f"application/{way}", body


if __name__ == "__main__":
    with serve(StockImpl(), port=0) as server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        sys.stdin.read()
