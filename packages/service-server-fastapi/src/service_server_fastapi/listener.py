"""The listening socket and the uvicorn server on it, run by a thread."""

from __future__ import annotations

import errno
import os
import socket
import threading
from typing import Any, Final

import uvicorn

from service_core.errors import LocalServiceException, PortInUseException
from service_server_fastapi.settings import ServerSettings

__all__ = ["Listener", "bind"]

_BACKLOG: Final = 2048


def bind(host: str, port: int) -> socket.socket:
    """A bound TCP socket; port 0 picks a free one. Raises PortInUseException, LocalServiceException."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere the option lets two servers share a port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        # Listening at once: with SO_REUSEADDR a port is taken only by a socket that listens.
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUseException(
                f"port {port} on {host} is taken by another process; stop it, choose another port, or port 0 for "
                f"any free one"
            ) from error
        raise LocalServiceException(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    bound.setblocking(False)
    return bound


class _UvicornServer(uvicorn.Server):
    """Tells when it accepts connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()


class Listener:
    """Serves one ASGI application on one socket until :meth:`stop`."""

    def __init__(self, app: Any, bound: socket.socket, settings: ServerSettings) -> None:
        config = uvicorn.Config(
            app,
            access_log=False,
            log_config=None,  # logging is the application's
            log_level=None,
            lifespan="on",
            timeout_keep_alive=max(1, round(settings.keep_alive)),
            timeout_graceful_shutdown=max(1, round(settings.drain_timeout)),
            server_header=False,
            ws="none",
        )
        self._socket = bound
        self._server = _UvicornServer(config)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._serve, name="service-server", daemon=True)

    def start(self) -> None:
        """Return when requests are answered. Raises LocalServiceException if the application does not start."""
        self._thread.start()
        while not self._server.accepting.wait(0.05):
            if not self._thread.is_alive():
                break
        if self._failure is not None or not self._server.started:
            self._thread.join()
            self._socket.close()
            raise LocalServiceException(
                "the server did not start; the log of 'uvicorn.error' has the reason"
            ) from self._failure

    def stop(self) -> None:
        """Take no new connections, finish requests in flight up to the limit, and return. Safe to call twice."""
        self._server.should_exit = True
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        except (Exception, SystemExit) as error:  # noqa: BLE001 - handed to the thread that waits
            self._failure = error
