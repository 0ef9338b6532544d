"""The warning about a server that every host which reaches the machine can call."""

from __future__ import annotations

import logging
from typing import Final

from service_core.hosting import WILDCARDS
from service_server_fastapi.access.rejections import named
from service_server_fastapi.settings import ServerSettings

logger: Final = logging.getLogger("service.server")


def warn_if_open(settings: ServerSettings, *, has_verifier: bool) -> None:
    """Warn about a server on all addresses that neither checks tokens or certificates nor compares host names."""
    is_open = settings.host in WILDCARDS and settings.uds is None
    if is_open and not has_verifier and not settings.allowed_hosts and not settings.client_ca_file:
        logger.warning(
            "the server listens on all addresses (%s) without a verifier: everybody who reaches this machine can call "
            "it, web pages by DNS rebinding included; give FastAPIServer(verifier=...), or list its names in %s, or "
            "set host to 127.0.0.1",
            settings.host,
            named("allowed_hosts"),
        )
