"""One HTTP/1.1 connection to the agent, on an event loop."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from service_registry_consul.connection.errors import (
    CHECK_CERTIFICATES,
    ConsulError,
    ConsulRefusal,
    malformed_answer,
    refused,
    unreachable,
)
from service_registry_consul.connection.http_exchange import HTTPResponse, exchange
from service_registry_consul.settings import ConsulSettings

MAX_TIMEOUT: Final = 30.0
"""Seconds up to which the time limit grows for an agent that answers late."""


@dataclass(frozen=True, slots=True)
class QueryResult:
    """A successful answer."""

    index: str | None
    """The header X-Consul-Index as received."""
    body: Any
    """The decoded JSON."""


class AgentConnection:
    """Opened when first needed, kept while requests succeed, and opened again after a failure."""

    def __init__(self, settings: ConsulSettings) -> None:
        self._settings = settings
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._timeouts = 0

    @property
    def time_limit(self) -> float:
        """Seconds for a connection, and for an answer that is not a blocking query: ``request_timeout``, doubled with
        each consecutive time-out, up to 30 s, so that an agent that is always late still answers in time.
        """
        least = self._settings.request_timeout
        return max(least, min(MAX_TIMEOUT, least * 2.0 ** min(self._timeouts, 10)))

    @property
    def descriptor(self) -> int:
        """The file descriptor of the open connection, -1 if there is none."""
        connection = self._writer.get_extra_info("socket") if self._writer is not None else None
        return connection.fileno() if connection is not None else -1

    async def get(self, path: str, query: Mapping[str, str], within: float) -> QueryResult:
        """Request ``path``; all of it may take ``within`` seconds. Raises ConsulError."""
        response = await self._send(f"GET {self._settings.path}{path}?{urlencode(query)}", b"", within)
        url = self._settings.address
        try:
            answer = QueryResult(response.headers.get("X-Consul-Index"), json.loads(response.body))
        except ValueError as error:
            self.close()
            raise malformed_answer(url, f"{type(error).__name__}: {str(error)[:200]}") from error
        if not answer.body and response.headers.get("X-Consul-Results-Filtered-By-ACLs") == "true":
            raise refused(url, 403, "there are results, but none that the token may read")
        return answer

    async def put(self, path: str, body: Any, within: float) -> None:
        """Send ``body`` as JSON, nothing for None, within so many seconds. Raises ConsulError."""
        await self._send(f"PUT {self._settings.path}{path}", b"" if body is None else json.dumps(body).encode(), within)

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self._writer is not None:
            # Not close(): that would wait for the close_notify of a TLS peer that may be gone.
            self._writer.transport.abort()
        self._reader = self._writer = None

    async def _send(self, request: str, body: bytes, within: float) -> HTTPResponse:
        url = self._settings.address
        try:
            async with asyncio.timeout(within):
                reader, writer = await self._open()
                response = await exchange(reader, writer, request, self._headers(), body)
        except TimeoutError as error:
            self.close()
            self._timeouts += 1
            raise unreachable(url, TimeoutError(f"no answer within {within:g} s")) from error
        except (OSError, EOFError) as error:
            self.close()
            raise unreachable(url, error) from error
        except (ValueError, http.client.HTTPException, asyncio.LimitOverrunError) as error:
            self.close()
            raise malformed_answer(url, f"{type(error).__name__}: {str(error)[:200]}") from error
        except BaseException:
            self.close()  # otherwise the rest of the answer is read as the answer to the next request
            raise
        self._timeouts = 0
        if response.closes:
            self.close()
        if response.status != 200:
            raise self._refusal(response)
        return response

    def _refusal(self, response: HTTPResponse) -> ConsulRefusal:
        return refused(self._settings.address, response.status, response.body.decode("utf-8", "replace"))

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None:
            settings, limit = self._settings, self.time_limit
            try:
                tls = settings.ssl_context()
            except OSError as error:
                raise ConsulError(f"cannot load the certificates for Consul ({error}); {CHECK_CERTIFICATES}") from error
            try:
                async with asyncio.timeout(limit):
                    self._reader, self._writer = await asyncio.open_connection(settings.host, settings.port, ssl=tls)
            except TimeoutError as error:
                self._timeouts += 1
                raise unreachable(settings.address, TimeoutError(f"no connection within {limit:g} s")) from error
        return self._reader, self._writer

    def _headers(self) -> dict[str, str]:
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        headers = {"Host": f"{host}:{self._settings.port}", "Accept": "application/json"}
        if self._settings.token is not None:
            headers["X-Consul-Token"] = self._settings.token.get_secret_value()
        return headers
