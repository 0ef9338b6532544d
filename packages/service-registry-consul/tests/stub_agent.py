"""Something that answers like a Consul agent, or unlike one, on a real socket."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

__all__ = ["Ask", "Cut", "Script", "StubAgent", "answer", "instance", "serving", "wait_for"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request that came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: str

    @property
    def index(self) -> int:
        """The index of a blocking query; 0 for one that does not block."""
        return int(self.query.get("index", 0))


Script = Callable[[Ask], bytes | None]
"""What is sent back, byte by byte; None ends the connection."""


class Cut(bytes):
    """Bytes after which the connection ends."""


def answer(body: Any, *, index: str | None = "1", status: int = 200, **headers: str) -> bytes:
    """An answer as Consul gives it; a body that is no text is sent as JSON."""
    content = (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {len(content)}"]
    if index is not None:
        lines.append(f"X-Consul-Index: {index}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


def instance(url: str, *, service_id: str = "one", status: str = "passing", **service: Any) -> dict[str, Any]:
    """One entry of a health query's answer."""
    return {
        "Node": {"Node": "n"},
        "Service": {"ID": service_id, "Meta": {"channels": f"rest({url})"}, **service},
        "Checks": [{"Status": "passing"}, {"Status": status}],
    }


def of_a_failed_agent(node: dict[str, Any]) -> dict[str, Any]:
    """That entry, after the other agents have found that of its node to have failed."""
    return {**node, "Checks": [{"CheckID": "serfHealth", "ServiceID": "", "Status": "critical"}, *node["Checks"]]}


@dataclass(slots=True, kw_only=True)
class StubAgent:
    """A running stub."""

    url: str
    script: Script
    """Answers all requests; may be replaced at any time."""
    asked: list[Ask] = field(default_factory=list)
    """What has come so far."""
    changed: threading.Condition = field(default_factory=threading.Condition)
    """Notified for each request that comes."""
    closing: threading.Event = field(default_factory=threading.Event)
    """Set at the end; a script that blocks waits for it."""

    def wait_for_asks(self, count: int, time_limit: float = 20.0) -> None:
        """Wait until so many requests have come. Raises TimeoutError."""
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.asked) >= count, time_limit):
                raise TimeoutError(f"{len(self.asked)} requests have come, {count} were expected")


@contextmanager
def serving(script: Script) -> Iterator[StubAgent]:
    """A stub, as long as the block lasts."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while ask := _read(self.rfile):
                with agent.changed:
                    agent.asked.append(ask)
                    agent.changed.notify_all()
                reply = agent.script(ask)
                if reply is None:
                    return
                self.wfile.write(reply)
                if isinstance(reply, Cut):
                    return

    with _Server(("127.0.0.1", 0), Handler) as server:
        agent = StubAgent(url=f"http://127.0.0.1:{server.server_address[1]}", script=script)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield agent
        finally:
            agent.closing.set()
            server.shutdown()
            thread.join()


def wait_for(condition: Callable[[], object], time_limit: float = 20.0) -> None:
    """Wait for a condition that has no event. Raises TimeoutError."""
    pause = threading.Event()
    for _ in range(round(time_limit / 0.01)):
        if condition():
            return
        pause.wait(0.01)
    raise TimeoutError(f"it did not happen within {time_limit:g} s")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that is gone is no news here."""


def _read(source: Any) -> Ask | None:
    line = source.readline().decode()
    if not line.strip():
        return None
    method, target, _ = line.split()
    headers: dict[str, str] = {}
    while header := source.readline().decode().strip():
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    parts = urlsplit(target)
    return Ask(
        method=method,
        path=unquote(parts.path),
        query={name: values[0] for name, values in parse_qs(parts.query).items()},
        headers=headers,
        body=source.read(int(headers.get("content-length", 0))).decode(),
    )
