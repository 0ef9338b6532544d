"""A TCP proxy that makes the network fail on command."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

__all__ = ["FaultProxy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """When connections break."""

    requests: int | None = None
    answers: int | None = None
    politely: bool = False


class FaultProxy:
    """Stands before a port on the loopback interface. Its methods and settings may be used by any thread."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        """``host`` and ``port`` are where connections are passed on to; no server needs to listen there yet."""
        self.delay = 0.0
        """Seconds that every piece is held back, in both directions."""
        self.rate: float | None = None
        """Bytes per second that pass in each direction of a connection; None for no limit."""
        self.pieces = 0
        """Pieces that came from clients; of a client that writes a request at once, that is the requests."""
        self.accepted = 0
        """Connections that clients have opened so far."""
        self._target = (host, port)
        self._swallowing = False
        self._limits = _Limits()
        self._links: set[_Link] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        """Where it listens."""

    @property
    def url(self) -> str:
        """Where it listens, as a URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """Connections from clients that are open."""
        return len(self._links)

    def swallow(self) -> None:
        """Pass nothing on any more, and say nothing about it: a black hole, for new connections too."""
        self._swallowing = True
        self._on_every_link(_Link.swallow)

    def break_after(self, *, requests: int | None = None, answers: int | None = None, politely: bool = False) -> None:
        """Break each connection, open or new, when so many more bytes have passed to or from the server.

        What comes beyond is not passed on: with ``requests=0`` the server gets nothing of a request, with ``answers=0``
        the client nothing of the answer to a request that the server got. Broken with RST, or ``politely`` with FIN.
        """
        self._limits = _Limits(requests=requests, answers=answers, politely=politely)
        self._on_every_link(_Link.count_anew)

    def heal(self) -> None:
        """Serve connections again. Those that were swallowed stay dead, as behind a restarted firewall."""
        self._swallowing = False
        self._limits = _Limits()

    def reset(self) -> None:
        """Break all connections with RST."""
        self._on_every_link(_Link.reset)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._listener.close()

    def _on_every_link(self, action: Callable[[_Link], None]) -> None:
        done = threading.Event()

        def act() -> None:
            for link in list(self._links):
                action(link)
            done.set()

        self._loop.call_soon_threadsafe(act)
        done.wait()

    def _run(self) -> None:
        self._loop.run_until_complete(asyncio.start_server(self._serve, sock=self._listener))
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        for link in list(self._links):
            link.reset()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(self, reader, writer)
        self._links.add(link)
        self.accepted += 1
        try:
            if self._swallowing:
                link.swallow()
            await link.run(*self._target)
        finally:
            link.close()
            self._links.discard(link)

    def _limit(self, *, of_requests: bool) -> int | None:
        return self._limits.requests if of_requests else self._limits.answers


class _Link:
    """One connection and its continuation."""

    def __init__(self, proxy: FaultProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._reader = reader
        self._writer = writer
        self._onward: asyncio.StreamWriter | None = None
        self._dead = asyncio.Event()
        self._passed = {True: 0, False: 0}  # of requests, of answers

    async def run(self, host: str, port: int) -> None:
        with contextlib.suppress(OSError):
            back, self._onward = await asyncio.open_connection(host, port)
            there = asyncio.ensure_future(self._pass(self._reader, self._onward, of_requests=True))
            here = asyncio.ensure_future(self._pass(back, self._writer, of_requests=False))
            try:
                await asyncio.wait([there, here], return_when=asyncio.FIRST_COMPLETED)
                if self._dead.is_set():
                    await there  # until the client gives up
                await self._finish()
            finally:
                there.cancel()
                here.cancel()

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, of_requests: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := await source.read(65536):
                self._proxy.pieces += of_requests
                if self._proxy.delay:
                    await asyncio.sleep(self._proxy.delay)
                if not self._dead.is_set() and not await self._pass_piece(piece, sink, of_requests):
                    return

    async def _pass_piece(self, piece: bytes, sink: asyncio.StreamWriter, of_requests: bool) -> bool:
        """Pass a piece on as far as that is allowed; whether all was."""
        limit = self._proxy._limit(of_requests=of_requests)
        allowed = len(piece) if limit is None else max(0, limit - self._passed[of_requests])
        self._passed[of_requests] += len(piece)
        for part in self._parts(piece[:allowed]):
            sink.write(part)
            await sink.drain()
            if self._proxy.rate:
                await asyncio.sleep(len(part) / self._proxy.rate)
        if allowed >= len(piece):
            return True
        if not self._proxy._limits.politely:
            self.reset()
        return False

    def _parts(self, piece: bytes) -> list[bytes]:
        """What may go at once: all of it, or a tenth of a second's worth."""
        size = max(1, int(self._proxy.rate / 10)) if self._proxy.rate else len(piece) or 1
        return [piece[start : start + size] for start in range(0, len(piece), size)]

    async def _finish(self) -> None:
        """Close the connection in an orderly way, after all that was written."""
        if not self._writer.is_closing():
            with contextlib.suppress(OSError):
                await self._writer.drain()
                self._writer.close()
                await self._writer.wait_closed()

    def swallow(self) -> None:
        self._dead.set()

    def count_anew(self) -> None:
        self._passed = {True: 0, False: 0}

    def reset(self) -> None:
        raw = self._writer.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        for writer in (self._writer, self._onward):
            if writer is not None:
                writer.transport.abort()
