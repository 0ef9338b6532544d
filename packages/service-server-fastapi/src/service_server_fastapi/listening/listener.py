"""The uvicorn server on a listening socket, run by a thread."""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
import threading
from typing import Any

import uvicorn

from service_core.errors import LocalServiceException
from service_server_fastapi.http1.connection import Connection
from service_server_fastapi.http1.websocket import StrictWebSocket
from service_server_fastapi.listening.sockets import BACKLOG, UnixSocketFile
from service_server_fastapi.settings import ServerSettings

__all__ = ["Listener"]


class _Config(uvicorn.Config):
    """A configuration of uvicorn that brings our settings and classes along."""

    def __init__(self, app: Any, settings: ServerSettings, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(
            app,
            http=Connection,
            ws=StrictWebSocket,
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
    """Tells when it accepts connections, and limits the time for TLS handshakes."""

    def __init__(self, config: _Config, up: threading.Event) -> None:
        super().__init__(config)
        self._limited = config
        self._up = up

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        tls = self.config.ssl
        await super().startup([] if tls is not None else sockets)
        if tls is not None:
            for bound in sockets or []:
                self.servers.append(await self._listen(bound, tls))
        self._up.set()

    async def _listen(self, bound: socket.socket, tls: ssl.SSLContext) -> asyncio.Server:
        """As uvicorn does it, which leaves clients a minute for their handshake."""
        return await asyncio.get_running_loop().create_server(
            lambda: Connection(self._limited, self.server_state, self.lifespan.state),
            sock=bound,
            ssl=tls,
            backlog=BACKLOG,
            ssl_handshake_timeout=self._limited.settings.receive_timeout,
            ssl_shutdown_timeout=self._limited.settings.receive_timeout,
        )


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
