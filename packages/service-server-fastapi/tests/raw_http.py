"""HTTP clients that are as rude as a test needs: over a plain socket, one byte at a time if need be."""

from __future__ import annotations

import http.client
import io
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, cast
from urllib.parse import urlsplit

from service_core.addresses import unix_path

TIMEOUT = 20.0
"""Seconds after which a test that hangs fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        """The failure in the envelope of a call."""
        return self.json["exception"]


class _Incoming(io.BufferedReader):
    """What comes in, of which the reader of an answer leaves the rest to the reader of the next one."""

    def makefile(self, _mode: str) -> Self:
        return self

    def close(self) -> None:
        pass


class Connection:
    """A connection to a server, usable for several requests."""

    def __init__(self, url: str) -> None:
        self.socket = _connected(url)
        self._reader: _Incoming | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._reader is not None:
            self._reader.raw.close()
        self.socket.close()

    @property
    def _incoming(self) -> _Incoming:
        if self._reader is None:
            self._reader = _Incoming(self.socket.makefile("rb", buffering=0))
        return self._reader

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def head(self, method: str = "POST", path: str = "/invoke", **headers: object) -> None:
        """Send the head of a request; in names of headers ``_`` stands for ``-``."""
        self.send(head_of(method, path, **headers))

    def reply(self, to: str = "GET") -> Reply:
        """Read one answer ``to`` a method. Raises http.client.HTTPException or OSError if there is none."""
        response = http.client.HTTPResponse(cast(socket.socket, self._incoming), method=to)
        try:
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Reply(status=response.status, headers=headers, body=response.read())
        finally:
            response.close()  # else it would be flushed after the connection is closed

    def is_closed(self) -> bool:
        """Wait until the server closes the connection; False if it sends something instead."""
        try:
            return self._incoming.read(1) == b""
        except ConnectionResetError:
            return True


def _connected(url: str) -> socket.socket:
    uds, parts = unix_path(url), urlsplit(url)
    if uds is None:
        return socket.create_connection((parts.hostname or "", parts.port or 80), TIMEOUT)
    connected = socket.socket(socket.AF_UNIX)
    connected.settimeout(TIMEOUT)
    connected.connect(uds)
    return connected


def head_of(method: str = "POST", path: str = "/invoke", **headers: object) -> bytes:
    """The head of a request; in names of headers ``_`` stands for ``-``."""
    reported = {"host": "test", "content_type": "application/json", **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in reported.items() if value is not None]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()


def request(url: str, path: str, *, method: str = "GET", body: bytes = b"", **headers: object) -> Reply:
    """One request on a connection of its own, in one packet if it is not large."""
    with Connection(url) as connection:
        length = len(body) if body or method == "POST" else None
        connection.send(head_of(method, path, content_length=length, connection="close", **headers) + body)
        return connection.reply(method)


def envelope(method: str, *args: Any) -> bytes:
    """The body of a call of a method of the desk."""
    return json.dumps({"method": f"desk-component:desk:{method}", "args": args}).encode()


def call(url: str, method: str, *args: Any, **headers: object) -> Reply:
    """Call a method of the desk."""
    return request(url, "/invoke", method="POST", body=envelope(method, *args), **headers)
