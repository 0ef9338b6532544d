"""Clients that do not keep to the rules."""

from __future__ import annotations

import http.client
import json
import socket
import time
from dataclasses import dataclass
from typing import Any, Self, cast

import msgpack

from tests.support.waiting import PATIENCE

__all__ = ["FORMATS", "Reply", "RudeClient", "packed", "read_status"]

FORMATS = {"json": "application/json", "msgpack": "application/msgpack"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a server answered."""

    status: int
    body: bytes
    seconds: float
    """How long that took."""

    def exception(self) -> Any:
        """The failure that it tells; None if it tells none."""
        unpacked = json.loads(self.body) if self.body.startswith(b"{") else msgpack.unpackb(self.body)
        return unpacked["exception"]


class RudeClient:
    """Sends what the test gives it, on one connection as long as that lasts."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def post(self, body: bytes, content_type: str = FORMATS["json"]) -> Reply:
        """One request to ``/invoke``."""
        begin = time.monotonic()
        self._connection.request("POST", "/invoke", body, {"content-type": content_type})
        response = self._connection.getresponse()
        return Reply(status=response.status, body=response.read(), seconds=time.monotonic() - begin)

    def call(self, method: str, *args: object) -> Reply:
        """Call a method by its name on the wire."""
        return self.post(json.dumps({"method": method, "args": args}).encode())

    def get(self, path: str) -> int:
        """The status of a page."""
        self._connection.request("GET", path)
        response = self._connection.getresponse()
        response.read()
        return response.status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._connection.close()


def packed(value: object, **options: Any) -> bytes:
    """A value as msgpack."""
    written: bytes = cast(Any, msgpack).packb(value, **options)
    return written


def read_status(connection: socket.socket) -> int:
    """The status of the answer on a connection, which is then closed by the other side; 0 if there is no answer."""
    answer = b""
    try:
        while piece := connection.recv(65536):
            answer += piece
    except ConnectionResetError:
        pass  # closed while we were still sending
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0
