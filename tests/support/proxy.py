"""A TCP proxy that makes the network fail on command."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import Self

__all__ = ["FaultProxy"]


class FaultProxy:
    """Stands before a port on the loopback interface. Its methods and settings may be used by any thread."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        """``host`` and ``port`` are where connections are passed on to; nobody needs to listen there yet."""
        self.delay = 0.0
        """Seconds that every piece is held back, in both directions."""
        self.pieces = 0
        """Pieces that came from clients; of a client that writes a request at once, that is the requests."""
        self._target = (host, port)
        self._swallowing = False
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

    def heal(self) -> None:
        """Serve new connections again. Those that were swallowed stay dead, as behind a restarted firewall."""
        self._swallowing = False

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
        try:
            if self._swallowing:
                link.swallow()
            await link.run(*self._target)
        finally:
            link.close()
            self._links.discard(link)


class _Link:
    """One connection and its continuation."""

    def __init__(self, proxy: FaultProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._reader = reader
        self._writer = writer
        self._onward: asyncio.StreamWriter | None = None
        self._dead = asyncio.Event()

    async def run(self, host: str, port: int) -> None:
        with contextlib.suppress(OSError):
            back, self._onward = await asyncio.open_connection(host, port)
            there = asyncio.ensure_future(self._pass(self._reader, self._onward, count=True))
            here = asyncio.ensure_future(self._pass(back, self._writer, count=False))
            try:
                await asyncio.wait([there, here], return_when=asyncio.FIRST_COMPLETED)
                if self._dead.is_set():
                    await there  # until the client gives up
            finally:
                there.cancel()
                here.cancel()

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, count: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := await source.read(65536):
                self._proxy.pieces += count
                if self._proxy.delay:
                    await asyncio.sleep(self._proxy.delay)
                if not self._dead.is_set():
                    sink.write(piece)
                    await sink.drain()

    def swallow(self) -> None:
        self._dead.set()

    def reset(self) -> None:
        raw = self._writer.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        for writer in (self._writer, self._onward):
            if writer is not None:
                writer.transport.abort()
