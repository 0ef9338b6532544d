"""The address at which a server is reached."""

from __future__ import annotations

import dataclasses
from typing import Final

from service_core import LocalServiceException, unix_url
from service_core.hosting import WILDCARDS, ServerAddress, url_of
from service_server_fastapi.settings import ServerSettings


class ServedAddress:
    """The address of one server: known once the port is bound, or said by the settings."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._scheme: Final = "https" if settings.uses_tls else "http"
        self.port: int | None = None
        """The port; 0 for a Unix domain socket, None before it is known."""
        self.value = ServerAddress()
        """What components read as ``Server.port`` and the like."""

    def bind(self, port: int) -> None:
        """Set the port, which a Unix domain socket has not."""
        settings = self._settings
        if settings.uds is not None:
            self.port, self.value = 0, ServerAddress(uds=str(settings.uds.absolute()))
        else:
            self.port, self.value = port, ServerAddress(host=settings.host, port=port, scheme=self._scheme)

    def move_below(self, path: str) -> None:
        """Set the path below which the application is mounted."""
        self.value = dataclasses.replace(self.value, path=path)

    @property
    def url(self) -> str:
        """The address for processes of this machine. Raises LocalServiceException before it is known."""
        if self.port is None:
            raise LocalServiceException("the server has no address, since it is not started")
        if self.value.uds:
            return unix_url(self.value.uds)
        host = "127.0.0.1" if self._settings.host in WILDCARDS else self._settings.host
        return url_of(self._scheme, host, self.port)
