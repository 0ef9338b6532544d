"""The uvicorn server on a listening socket, run by a thread."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any, Final, cast

import uvicorn

from service_core import LocalServiceException
from service_core.process import call_in_child, detach
from service_server_fastapi.http1.connection import ServerConnection
from service_server_fastapi.lifecycle.lifespan import RAISED_BY_SERVER
from service_server_fastapi.listening.sockets import BACKLOG, UnixSocketFile
from service_server_fastapi.settings import ServerSettings

_LAST_READ: Final = 0.05
"""Seconds in which requests on the last connections are read; then connections without a request are closed."""
_FAILED: Final = ("Application startup failed", "Application shutdown failed")
"""Lines of uvicorn that follow the report of an error."""
_LAST_HANDSHAKE: Final = 1.0
"""Seconds for the TLS handshakes of the last connections."""


def _make_websocket(**options: Any) -> asyncio.Protocol:
    """A connection for WebSockets. Their classes are imported with the first one: a twentieth of a server's start."""
    from service_server_fastapi.listening.websocket import StrictWebSocket

    return StrictWebSocket(**options)


class _Config(uvicorn.Config):
    """A configuration of uvicorn that brings our settings and classes along."""

    def __init__(self, app: Any, settings: ServerSettings, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(
            app,
            http=ServerConnection,
            ws=cast(Any, _make_websocket),
            log_config=None,  # logging is the application's
            lifespan="on",
            timeout_graceful_shutdown=math.ceil(settings.drain_timeout) + 1,  # if requests cannot be cancelled
            server_header=False,
            date_header=False,  # responses have one of their own
        )
        self.settings = settings
        self._tls = tls

    def load(self) -> None:
        """Make what is needed to serve. uvicorn's own settings for TLS would be read in the serving thread."""
        super().load()
        self.ssl = self._tls


class _UvicornServer(uvicorn.Server):
    """Sets an event when it accepts connections, limits the time for TLS handshakes, and empties the accept queue."""

    def __init__(self, config: _Config, up: threading.Event) -> None:
        super().__init__(config)
        self._limited = config
        self._up = up

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        tls = self.config.ssl
        self.lifespan.logger = _lifespan_logger()
        await super().startup([] if tls is not None else sockets)
        if tls is not None:
            for bound in sockets or []:
                self.servers.append(await self._listen(bound, tls))
        self._up.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the sockets, serve the clients that wait in their queues, then end as uvicorn does.

        The kernel has accepted those clients, so they may have sent a request, which a closed socket would answer with
        a reset.
        """
        waiting = [self._adopt(accepted) for bound in sockets or [] for accepted in _accept_all(bound)]
        for server in self.servers:
            server.close()
        connected = [asyncio.ensure_future(each) for each in (*waiting, asyncio.sleep(_LAST_READ))]
        await asyncio.wait(connected, timeout=_LAST_HANDSHAKE)
        await super().shutdown(sockets)

    async def _adopt(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the client has gone
            await asyncio.get_running_loop().connect_accepted_socket(
                self._make_connection, accepted, ssl=self.config.ssl
            )

    async def _listen(self, bound: socket.socket, tls: ssl.SSLContext) -> asyncio.Server:
        """As uvicorn does it, which leaves clients a minute for their handshake."""
        return await asyncio.get_running_loop().create_server(
            self._make_connection,
            sock=bound,
            ssl=tls,
            backlog=BACKLOG,
            ssl_handshake_timeout=self._limited.settings.receive_timeout,
            ssl_shutdown_timeout=self._limited.settings.receive_timeout,
        )

    def _make_connection(self) -> ServerConnection:
        return ServerConnection(self._limited, self.server_state, self.lifespan.state)


class Listener:
    """Serves one ASGI application on one socket until :meth:`stop`."""

    def __init__(
        self,
        app: Any,
        bound: socket.socket,
        settings: ServerSettings,
        tls: ssl.SSLContext | None = None,
        *,
        file: UnixSocketFile | None = None,
    ) -> None:
        """``file`` is that of a Unix domain socket, which is removed at the end."""
        self._socket = bound
        self._file = file
        self._up = threading.Event()
        self._server = _UvicornServer(_Config(app, settings, tls), self._up)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._serve, name="service-server", daemon=True)
        call_in_child(self._leave_to_parent)

    def start(self) -> None:
        """Return when requests are answered. Raises LocalServiceException if the application does not start."""
        self._thread.start()
        self._up.wait()
        if not self._server.started:
            self.stop(timeout=1.0)
            raise LocalServiceException(
                "the server did not start; the log of 'uvicorn.error' has the reason"
            ) from self._failure

    def stop(self, timeout: float) -> bool:
        """Take no new connections, finish requests in flight, and return whether that was done in time.

        The application has to see to it that requests come to an end.
        """
        if self._file is not None:
            self._file.remove()
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(timeout)
        self._socket.close()
        return not self._thread.is_alive()

    def is_own_thread(self) -> bool:
        """Whether the caller runs on the event loop of the server."""
        return threading.current_thread() is self._thread

    def _serve(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        except (Exception, SystemExit) as error:  # noqa: BLE001 - handed to the thread that waits
            self._failure = error
        finally:
            self._up.set()

    def _leave_to_parent(self) -> None:
        """In a forked child, which would otherwise keep the port and the connections open after the end of its parent.

        A new server could not listen there, and clients would connect to a socket that no process accepts from.
        """
        connections = cast("set[Any]", self._server.server_state.connections)  # of both protocols
        sockets = [each.transport.get_extra_info("socket") for each in connections]
        detach(each.fileno() for each in (self._socket, *sockets))


def _lifespan_logger() -> logging.Logger:
    """What uvicorn logs about the lifespan, without the failures that the caller of the server gets as an error."""

    def is_news(record: logging.LogRecord) -> bool:
        text = f"{record.getMessage()}{record.exc_info[1] if record.exc_info else ''}"
        return RAISED_BY_SERVER not in text and not text.startswith(_FAILED)

    parent = logging.getLogger("uvicorn.error")
    logger = logging.Logger(parent.name)  # not the one of that name, which other servers of this process use
    logger.parent = parent
    logger.addFilter(is_news)
    return logger


def _accept_all(bound: socket.socket) -> Iterator[socket.socket]:
    """Accept the connections that wait, without waiting for further ones."""
    while True:
        try:
            accepted, _ = bound.accept()
        except OSError:
            return
        accepted.setblocking(False)
        yield accepted
