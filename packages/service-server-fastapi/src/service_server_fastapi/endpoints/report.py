"""The report: the services that a process hosts and calls, for operators and monitoring."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from starlette.types import Scope

from service_core.dispatch import Response
from service_core.wire import JSON
from service_server_fastapi.endpoints.health import ServerHealth
from service_server_fastapi.lifecycle.hosting import Hosting
from service_server_fastapi.requests.admission import headers_of


class ReportEndpoint:
    """Answers with JSON, or with text if the client accepts ``text/plain``."""

    def __init__(
        self, hosting: Hosting, health: ServerHealth, load: Callable[[], Mapping[str, object]], *, details: bool
    ) -> None:
        """``load`` returns that of threads and methods. Without ``details`` it has what health endpoints have."""
        self._hosting = hosting
        self._health = health
        self._load = load
        self._details = details

    async def collect(self) -> dict[str, Any]:
        """The report as JSON-like data; times in seconds."""
        health = {path: found.to_dict(details=self._details) for path, found in (await self._health.all()).items()}
        if not self._details:
            return {"health": health}
        hosts, calls = self._hosting.host.report(), self._hosting.manager.report()
        state, load = self._hosting.state.value, self._load()
        return {"process": os.getpid(), "state": state, "health": health, "load": load, "hosts": hosts, "calls": calls}

    async def answer(self, scope: Scope) -> Response:
        """The answer to one request."""
        report = await self.collect()
        if "text/plain" in headers_of(scope).get("accept", ""):
            return _answer("text/plain; charset=utf-8", as_text(report))
        return _answer(JSON.content_type, json.dumps(report, ensure_ascii=False, separators=(",", ":")))


def _answer(content_type: str, text: str) -> Response:
    return Response(status=200, content_type=content_type, body=text.encode(), headers=(("cache-control", "no-store"),))


def as_text(data: Mapping[str, Any]) -> str:
    """JSON-like data as indented lines; a value without parts follows its name."""
    return "".join(f"{line}\n" for line in _lines(data, ""))


def _lines(data: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in data.items():
        parts = value if isinstance(value, list) else [value] if value != {} else []
        if parts and all(isinstance(part, Mapping) for part in parts):
            yield f"{indent}{name}"
            for part in parts:
                yield from _part(part, f"{indent}  ")
        else:
            yield f"{indent}{name}: {', '.join(map(str, parts)) or '-'}"


def _part(part: Mapping[str, Any], indent: str) -> Iterator[str]:
    """A part on one line if it is flat, else on several."""
    if any(isinstance(value, list | Mapping) for value in part.values()):
        yield from _lines(part, indent)
    else:
        yield indent + ", ".join(f"{name} {value}" for name, value in part.items())
