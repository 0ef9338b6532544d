"""The readiness protocol of systemd (sd_notify), for units with ``Type=notify``."""

from __future__ import annotations

import logging
import os
import socket
from typing import Final

logger: Final = logging.getLogger("service.server")


def notify(state: str) -> None:
    """Send a state such as ``READY=1`` to the service manager that has set ``NOTIFY_SOCKET``; else do nothing.

    With workers the unit needs ``NotifyAccess=all``, since each worker reports for itself.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # the abstract namespace
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.connect(address)
            channel.sendall(state.encode())
    except OSError as error:
        logger.warning("cannot send %s to NOTIFY_SOCKET: %s", state, error)
