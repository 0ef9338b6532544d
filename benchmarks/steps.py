"""What Python does for a call: microseconds, functions entered and bytecodes, at each end, without the system's part.

``python -m benchmarks.steps [--rounds 60] [--functions]``. The server's event loop is fed with the bytes of a request,
the client's socket answers at once. Of each figure the least of the rounds is shown, since a busy machine only ever
adds to it. To compare two versions, run both in turns. The numbers of functions and of the interpreter's instructions
are exact whatever else the machine does. ``--functions`` lists the functions of a call with their instructions.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import json
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from types import FrameType
from typing import Any, Final

import msgpack
import uvicorn

from benchmarks.programs import ours_server, ours_sync
from benchmarks.programs.ours_values import Person
from benchmarks.programs.person import PERSON
from service_channels_http.transport.engine.connection_sync import SyncConnection
from service_core import ServiceManager, StaticComponentRegistry
from service_server_fastapi import FastAPIServer

_WRITERS: Final[dict[str, Callable[[object], bytes]]] = {
    "msgpack": lambda value: bytes(msgpack.Packer().pack(value)),
    "json": lambda value: json.dumps(value, separators=(",", ":")).encode(),
}
_CALLS: Final = 200
"""In each round."""


def main() -> None:
    """Measure both ends, and write a table in Markdown."""
    parser = argparse.ArgumentParser(prog="benchmarks.steps", description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--functions", action="store_true")
    options = parser.parse_args()
    sys.stdout.write(
        "| call | client | functions | bytecodes | server | functions | bytecodes |\n|---|---|---|---|---|---|---|\n"
    )
    listings: list[str] = []
    with FastAPIServer("127.0.0.1", 0) as server:
        server.boot(ours_server.ServerModule)
        for case, form in itertools.product(("hello", "model"), _WRITERS):
            name = f"{case}, {form}"
            request, client, called = _client(case, form, options.rounds)
            served, answered = _server(request, options.rounds)
            sys.stdout.write(f"| {name} | {client:.1f} us | {called} | {served:.1f} us | {answered} |\n")
            listings += [f"{name}, {end}\n{one.listing()}" for end, one in (("client", called), ("server", answered))]
    if options.functions:
        sys.stdout.write("\n".join(listings))


def _response(case: str, form: str) -> bytes:
    body = _WRITERS[form]({"result": PERSON if case == "model" else "hello world", "exception": None})
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/{form}\r\ncontent-length: {len(body)}\r\n"
    return f"{head}x-correlation-id: 0123456789abcdef\r\n\r\n".encode() + body


class _Peer:
    """A socket that answers at once."""

    def __init__(self, response: bytes) -> None:
        self._response = response
        self.request = b""

    def send(self, data: bytes) -> int:
        self.request = data
        return len(data)

    def recv(self, _: int) -> bytes:
        return self._response

    def fileno(self) -> int:
        return 0

    def close(self) -> None: ...


def _client(case: str, form: str, rounds: int) -> tuple[bytes, float, _Steps]:
    """The request of a call, its microseconds and its steps."""
    response, channel = _response(case, form), f"dispatch-{form}"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        threading.Thread(target=_answer_once, args=(listener, response), daemon=True).start()
        registry = StaticComponentRegistry({"benchmark-component": {channel: url}})
        with ServiceManager(registry, catalog=ours_sync.CATALOG) as manager:
            service = manager.get_service(ours_sync.Benchmark, channel)
            person = Person(**PERSON)
            call: Callable[[], object] = (
                (lambda: service.hello("world")) if case == "hello" else (lambda: service.model(person))
            )
            call()  # connects
            connection: Any = next(one for one in gc.get_objects() if isinstance(one, SyncConnection))
            peer = _Peer(response)
            with closing(connection._socket):
                connection._socket, connection._poll = peer, bool
                figures = [_time(call) for _ in range(rounds)]
                return peer.request, min(figures), _entered(call)


def _answer_once(listener: socket.socket, response: bytes) -> None:
    connected, _ = listener.accept()
    connected.recv(65536)
    connected.sendall(response)


def _time(call: Callable[[], object]) -> float:
    begin = time.thread_time_ns()
    for _ in range(_CALLS):
        call()
    return (time.thread_time_ns() - begin) / _CALLS / 1000


class _Steps:
    """The functions that are entered, and the bytecodes that are executed in each."""

    def __init__(self) -> None:
        self.functions: Counter[str] = Counter()
        self._bytecodes: Counter[str] = Counter()

    def enter(self, frame: FrameType, _: str, __: Any) -> Callable[..., Any]:
        """Called by the interpreter for each frame, after ``sys.settrace``."""
        name = f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}"
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        self.functions[name] += 1
        bytecodes = self._bytecodes

        def step(_: FrameType, event: str, __: Any) -> Any:
            bytecodes[name] += event == "opcode"
            return step

        return step

    def __str__(self) -> str:
        return f"{self.functions.total()} | {self._bytecodes.total()}"

    def listing(self) -> str:
        """A line for each function, those with the most bytecodes first."""
        lines = self._bytecodes.most_common()
        return "".join(f"{count:6} {self.functions[name]:4} {name}\n" for name, count in lines)


def _entered(call: Callable[[], object]) -> _Steps:
    steps = _Steps()
    sys.settrace(steps.enter)
    call()
    sys.settrace(None)
    return steps


class _Fed(asyncio.Transport):
    """A connection whose client sends a request for each answer."""

    def __init__(self, loop: asyncio.AbstractEventLoop, request: bytes, rounds: int) -> None:
        super().__init__()
        self._loop = loop
        self._request = request
        self._left = rounds * _CALLS
        self._begin = 0
        self.protocol: Any = None
        self.figures: list[float] = []
        self.steps = _Steps()
        self.done = threading.Event()

    def begin(self) -> None:
        self._begin = time.thread_time_ns()
        self._feed()

    def _feed(self) -> None:
        if self._left == 0:
            sys.settrace(self.steps.enter)
        self.protocol.data_received(self._request)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._left -= 1
        if self._left < 0:
            self._loop.call_soon(self._end)  # after the rest of this call
            return
        if self._left % _CALLS == 0:
            now = time.thread_time_ns()
            self.figures.append((now - self._begin) / _CALLS / 1000)
            self._begin = now
        self._loop.call_soon(self._feed)

    def _end(self) -> None:
        sys.settrace(None)
        self.protocol.connection_lost(None)
        self.done.set()

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False


def _server(request: bytes, rounds: int) -> tuple[float, _Steps]:
    """The microseconds and the steps of one request."""
    listening = next(one for one in gc.get_objects() if isinstance(one, uvicorn.Server))
    loop = listening.servers[0].get_loop()
    transport = _Fed(loop, request, rounds)

    def begin() -> None:
        make: Any = listening.config.http_protocol_class
        state, app_state = listening.server_state, listening.lifespan.state
        transport.protocol = make(config=listening.config, server_state=state, app_state=app_state, _loop=loop)
        transport.protocol.connection_made(transport)
        transport.begin()

    loop.call_soon_threadsafe(begin)
    transport.done.wait()
    return min(transport.figures), transport.steps


if __name__ == "__main__":
    main()
