"""Connections that become WebSockets: uvicorn's class for them goes on."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from service_server_fastapi.http1.request import IncomingRequest


def hand_over(
    transport: asyncio.Transport,
    request: IncomingRequest,
    rest: bytes,
    config: Config,
    server_state: ServerState,
    app_state: dict[str, Any],
) -> None:
    """Let uvicorn's class for WebSockets go on with a connection; ``rest`` has arrived behind the request."""
    make: Any = config.ws_protocol_class
    protocol = make(config=config, server_state=server_state, app_state=app_state)
    lines = [b"%b %b HTTP/1.1\r\n" % (request.method.encode(), request.target)]
    lines += [b"%b: %b\r\n" % header for header in request.headers]
    protocol.connection_made(transport)
    protocol.data_received(b"".join((*lines, b"\r\n", rest)))
    transport.set_protocol(protocol)
