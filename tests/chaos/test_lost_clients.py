"""Clients that vanish without a word: cut from the network or without power. Their streams are ended all the same."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from service_core.wire.streams import FrameKind, frame
from service_server_fastapi import serve
from service_server_fastapi.requests import tcp
from tests.chaos.lost_clients import LostImpl
from tests.support.figures import Figures
from tests.support.vanishing import vanish
from tests.support.waiting import PATIENCE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="other systems do not say what was acknowledged"),
]

CALL = b'{"method": "lost-clients:lost-clients:%b", "args": []}'
JSON, FRAMES = b"application/json", b"application/vnd.service.stream+json"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second where it is twenty."""
    monkeypatch.setattr(tcp, "LOOK", 0.2)
    monkeypatch.setattr(tcp, "_LOST_MS", 1000)
    monkeypatch.setattr(tcp, "_PROBES", {"TCP_KEEPIDLE": 1, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 1})


@pytest.fixture
def impl() -> LostImpl:
    return LostImpl()


@contextmanager
def client_of(impl: LostImpl, content_type: bytes, body: bytes) -> Iterator[socket.socket]:
    """A client that has sent a request whose method has begun."""
    with serve(impl, port=0) as server, socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
        head = b"POST /invoke HTTP/1.1\r\nhost: localhost\r\ncontent-type: %b\r\n" % content_type
        length = b"content-length: %d\r\n\r\n" % len(body)
        chunked = b"transfer-encoding: chunked\r\n\r\n%x\r\n" % len(body)
        client.sendall(head + (length + body if content_type == JSON else chunked + body + b"\r\n"))
        assert impl.begun.wait(PATIENCE)
        yield client


@pytest.mark.parametrize("method", ["silence", "chatter"])
def test_the_generator_of_a_lost_client_ends(impl: LostImpl, method: str, figures: Figures) -> None:
    with client_of(impl, JSON, CALL % method.encode()) as client:
        assert client.recv(65536)
        vanish(client)
        start = time.monotonic()
        assert impl.ended.wait(PATIENCE)
        figures.add(f"stream, client lost, {method}: generator ended after", 1000 * (time.monotonic() - start), "ms")


def test_the_upload_of_a_lost_client_ends(impl: LostImpl) -> None:
    call = frame(FrameKind.CALL, CALL % b"upload")
    with client_of(impl, FRAMES, call + frame(FrameKind.ITEMS, b"[1]")) as client:
        vanish(client)
        assert impl.ended.wait(PATIENCE)


def test_a_client_that_does_not_read_is_not_lost(impl: LostImpl) -> None:
    with client_of(impl, JSON, CALL % b"flood") as client:
        assert not impl.ended.wait(4)
        client.settimeout(PATIENCE)
        for _ in range(100):
            assert client.recv(65536)
        assert not impl.ended.is_set()
