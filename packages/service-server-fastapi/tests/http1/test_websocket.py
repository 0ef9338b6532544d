"""WebSocket handshakes that are none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from desk import serving
from raw_http import TIMEOUT, Connection, call

UPGRADE = {
    "connection": "upgrade",
    "upgrade": "websocket",
    "sec_websocket_version": 13,
    "sec_websocket_key": "dGhlIHNhbXBsZSBub25jZQ==",
    "content_type": None,
}


@pytest.mark.parametrize("wrong", [{"content_length": 1}, {"x_long": "a" * 9000}], ids=["a body", "a long header"])
def test_one_is_refused_and_the_stop_waits_for_others(wrong: dict[str, object]) -> None:
    with serving() as (server, world), ThreadPoolExecutor() as pool:
        with Connection(server.url) as connection:
            connection.head("GET", "/", **UPGRADE, **wrong)
            connection.send(b"x")
            assert connection.reply().status == 400
            assert connection.is_closed()

            lingering = pool.submit(call, server.url, "linger")
            assert world.desk.entered.acquire(timeout=TIMEOUT)
            stopping = pool.submit(server.stop)
            world.desk.release.set()
            assert lingering.result(TIMEOUT).json["result"] == "released"
            stopping.result(TIMEOUT)
        assert world.log[-2:] == ["shutdown", "destroyed"]
