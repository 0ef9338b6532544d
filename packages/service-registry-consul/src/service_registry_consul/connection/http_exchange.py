"""HTTP/1.1 on asyncio streams: one request, one response. All HTTP of this package is sent here."""

from __future__ import annotations

import asyncio
import http.client
import io
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from service_core.tls import unverified

MAX_BODY: Final = 64 * 1024 * 1024
"""Bytes of a response; a health query of 10,000 instances takes a fifth of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HTTPResponse:
    """A complete response with any status."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def closes(self) -> bool:
        """Whether the connection cannot be used any more."""
        return self.headers.get("Connection", "").lower() == "close" or not _is_framed(self.headers)


async def exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    request: str,
    headers: Mapping[str, str],
    body: bytes = b"",
) -> HTTPResponse:
    """Send a request, ``METHOD target``, and read its response.

    Raises OSError, EOFError, and for data that is not HTTP ValueError, ``http.client.HTTPException`` or
    ``asyncio.LimitOverrunError``.
    """
    lines = [f"{request} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    await writer.drain()
    status, received = await _read_head(reader)
    return HTTPResponse(status=status, headers=received, body=await _read_body(reader, received))


async def get(url: str, *, within: float, tls: ssl.SSLContext | None = None) -> int:
    """The status of a GET request over a connection of its own, which may take ``within`` seconds.

    ``tls`` is for ``https``. Raises as :func:`exchange` does, and TimeoutError.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    secured = (tls or unverified()) if parts.scheme == "https" else None
    async with asyncio.timeout(within):
        reader, writer = await asyncio.open_connection(host, port, ssl=secured)
        try:
            headers = {"Host": parts.netloc, "User-Agent": "Consul Health Check", "Connection": "close"}
            return (await exchange(reader, writer, f"GET {parts.path or '/'}", headers)).status
        finally:
            writer.transport.abort()


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, http.client.HTTPMessage]:
    head = await reader.readuntil(b"\r\n\r\n")
    first, _, rest = head.partition(b"\r\n")
    version, _, status = first.decode("latin-1").partition(" ")
    if not version.startswith("HTTP/1.") or not status[:3].isdigit():
        raise ValueError(f"no HTTP status line: {first[:100]!r}")
    return int(status[:3]), http.client.parse_headers(io.BytesIO(rest))


def _is_framed(headers: http.client.HTTPMessage) -> bool:
    return "Content-Length" in headers or headers.get("Transfer-Encoding", "").lower() == "chunked"


async def _read_body(reader: asyncio.StreamReader, headers: http.client.HTTPMessage) -> bytes:
    if headers.get("Transfer-Encoding", "").lower() == "chunked":
        return await _read_chunks(reader)
    length = headers.get("Content-Length")
    if length is None:
        return await _read_rest(reader)
    return await reader.readexactly(_size(int(length)))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int((await reader.readline()).partition(b";")[0], 16):
        body += await reader.readexactly(_size(size, len(body)))
        await reader.readline()
    while (await reader.readline()).strip():
        pass  # trailers
    return bytes(body)


async def _read_rest(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while part := await reader.read(65536):
        body += part
        _size(0, len(body))
    return bytes(body)


def _size(size: int, already: int = 0) -> int:
    if size < 0 or already + size > MAX_BODY:
        raise ValueError(f"an answer of {already + size} bytes")
    return size
