"""One HTTP/1.1 connection to the agent, on an event loop.

A watch does nothing but wait for the answer to its one request, hundreds of them in one thread. That is all
this can: GET, one at a time, JSON back.
"""

from __future__ import annotations

import asyncio
import http.client
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from service_registry_consul.errors import CHECK_CERTIFICATES, ConsulError, gone, nonsense, refused
from service_registry_consul.settings import ConsulSettings

__all__ = ["Answer", "Connection"]

MAX_BODY: Final = 64 * 1024 * 1024
"""Bytes of an answer; a health query of 10,000 instances takes a fifth of it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer."""

    index: str | None
    """The header X-Consul-Index as it came."""
    body: Any
    """The decoded JSON."""


class Connection:
    """Opened when first needed, kept as long as all goes well, and opened again after a failure."""

    def __init__(self, settings: ConsulSettings) -> None:
        self._settings = settings
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def get(self, path: str, query: Mapping[str, str], within: float) -> Answer:
        """Ask for ``path``; all of it may take ``within`` seconds. Raises ConsulError."""
        url = self._settings.address
        try:
            async with asyncio.timeout(within):
                reader, writer = await self._open()
                writer.write(self._request(path, query))
                await writer.drain()
                status, headers = await _read_head(reader)
                body = await _read_body(reader, headers)
            if status != 200:
                raise refused(url, status, body.decode("utf-8", "replace"))
            answer = Answer(headers.get("X-Consul-Index"), json.loads(body))
            if not answer.body and headers.get("X-Consul-Results-Filtered-By-ACLs") == "true":
                raise refused(url, 403, "there are results, but none that the token may read")
        except TimeoutError as error:
            self.close()
            raise gone(url, TimeoutError(f"no answer within {within:g} s")) from error
        except (OSError, EOFError) as error:
            self.close()
            raise gone(url, error) from error
        except (ValueError, http.client.HTTPException, asyncio.LimitOverrunError) as error:
            self.close()
            raise nonsense(url, f"{type(error).__name__}: {str(error)[:200]}") from error
        except BaseException:
            self.close()  # what would still arrive belongs to nobody
            raise
        if headers.get("Connection", "").lower() == "close":
            self.close()
        return answer

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self._writer is not None:
            # Not close(): that would wait for the TLS goodbye of a peer that may be gone.
            self._writer.transport.abort()
        self._reader = self._writer = None

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None:
            settings = self._settings
            try:
                tls = settings.ssl_context()
            except OSError as error:
                raise ConsulError(f"cannot load the certificates for Consul ({error}); {CHECK_CERTIFICATES}") from error
            try:
                async with asyncio.timeout(settings.request_timeout):
                    self._reader, self._writer = await asyncio.open_connection(settings.host, settings.port, ssl=tls)
            except TimeoutError as error:
                raise gone(
                    settings.address, TimeoutError(f"no connection within {settings.request_timeout:g} s")
                ) from error
        return self._reader, self._writer

    def _request(self, path: str, query: Mapping[str, str]) -> bytes:
        lines = [
            f"GET {path}?{urlencode(query)} HTTP/1.1",
            f"Host: {self._settings.address.partition('://')[2]}",
            "Accept: application/json",
        ]
        if self._settings.token is not None:
            lines.append(f"X-Consul-Token: {self._settings.token.get_secret_value()}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, http.client.HTTPMessage]:
    head = await reader.readuntil(b"\r\n\r\n")
    first, _, rest = head.partition(b"\r\n")
    version, _, status = first.decode("latin-1").partition(" ")
    if not version.startswith("HTTP/1.") or not status[:3].isdigit():
        raise ValueError(f"no HTTP status line: {first[:100]!r}")
    return int(status[:3]), http.client.parse_headers(io.BytesIO(rest))


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
