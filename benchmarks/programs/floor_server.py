"""The floor's server: an ASGI application that answers with what it got, on the uvicorn that ours runs on."""

from __future__ import annotations

import sys
import threading
from typing import Any

import uvicorn


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer a request with its body."""
    assert scope["type"] == "http"
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = [(b"content-type", b"application/msgpack"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Serve until standard input ends."""
    config = uvicorn.Config(
        echo,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        access_log=False,
        log_level="warning",
        lifespan="off",
        timeout_keep_alive=3600,  # the client holds one connection and waits for its turn
    )
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
