"""Connecting to an origin: several addresses, and Unix domain sockets."""

from __future__ import annotations

import asyncio
import errno
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scripted_server import WAIT

from service_channels_http.transport.engine import connecting
from service_channels_http.transport.engine.connecting import addresses_of, connect, connect_async
from service_channels_http.transport.engine.origin import Origin
from service_channels_http.transport.engine.resolver import Addresses, resolver
from service_channels_http.transport.tls.context import ClientTLS
from service_core import LocalServiceException
from service_core.addresses import unix_url

Connect = Callable[[Origin], socket.socket]


def blocking(origin: Origin) -> socket.socket:
    return connect(origin, time.monotonic() + WAIT)


def on_a_loop(origin: Origin) -> socket.socket:
    async def run() -> socket.socket:
        async with asyncio.timeout(WAIT):
            return await connect_async(await addresses_of(origin))

    return asyncio.run(run())


EACH = pytest.mark.parametrize("connected", [blocking, on_a_loop])


def origin_of(**fields: object) -> Origin:
    return Origin(**{"host": "h.test", "port": 80, "authority": "h.test", "tls": None, **fields})  # type: ignore[arg-type]


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def refused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def known(monkeypatch: pytest.MonkeyPatch, *targets: tuple[str, int]) -> None:
    """Let the host of the origin have these addresses."""
    addresses: Addresses = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", target) for target in targets]
    monkeypatch.setitem(resolver._known, ("h.test", 80), (addresses, time.monotonic() + WAIT))


# several addresses


@EACH
def test_an_address_that_refuses_gives_way_to_the_next(
    connected: Connect, server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, ("127.0.0.1", refused_port()), server.getsockname())
    with connected(origin_of()) as made:
        assert made.getpeername() == server.getsockname()


@EACH
def test_an_address_that_is_silent_gives_way_after_its_head_start(
    connected: Connect, server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "_HEAD_START", 0.01)
    known(monkeypatch, ("192.0.2.1", 9), server.getsockname())
    with connected(origin_of()) as made:
        assert made.getpeername() == server.getsockname()


def test_a_host_none_of_whose_addresses_answers_is_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, ("127.0.0.1", refused_port()), ("127.0.0.1", refused_port()))
    with pytest.raises(ConnectionRefusedError):
        blocking(origin_of())
    assert ("h.test", 80) not in resolver._known


def test_a_silent_host_is_given_up_at_the_end_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, ("192.0.2.1", 9))
    with pytest.raises((TimeoutError, OSError)):
        connect(origin_of(), time.monotonic() + 0.05)


PENDING = """
import asyncio, gc, os, socket
from shop_interface import CHANNELS, bound, shop_over

listener = socket.create_server(("127.0.0.1", 0))
channel = bound(CHANNELS[0](), f"http://127.0.0.1:{listener.getsockname()[1]}")
shop = shop_over(channel)

async def main():
    asyncio.create_task(shop.find_async(1))
    await asyncio.sleep(0)

loop = asyncio.new_event_loop()
loop.run_until_complete(main())
loop.close()
del loop
gc.collect()
print("survived", flush=True)
os._exit(0)
"""


def test_a_call_that_is_connecting_when_its_loop_is_closed_does_not_crash_the_process() -> None:
    tests = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", PENDING], cwd=tests, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "survived\n"), done.stderr


# Unix domain sockets


@EACH
def test_a_unix_socket_is_connected_to(connected: Connect, tmp_path: Path) -> None:
    path = str(tmp_path / "a.sock")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        with connected(origin_of(uds=path)) as made:
            assert made.getpeername() == path
            assert not made.getblocking()


@EACH
@pytest.mark.parametrize(("leave", "error"), [(False, FileNotFoundError), (True, ConnectionRefusedError)])
def test_a_unix_socket_without_a_server_is_an_error_that_names_it(
    connected: Connect, tmp_path: Path, leave: bool, error: type[OSError]
) -> None:
    path = str(tmp_path / "a.sock")
    if leave:
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(path)
    with pytest.raises(error, match=path):
        connected(origin_of(uds=path))


@pytest.fixture
def full(tmp_path: Path) -> Iterator[socket.socket]:
    """A server that has no room for another connection."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "a.sock"))
        server.listen(0)
        waiting = []
        while True:
            waiting.append(socket.socket(socket.AF_UNIX))
            waiting[-1].setblocking(False)
            if waiting[-1].connect_ex(server.getsockname()) == errno.EAGAIN:
                break
        yield server
        for each in waiting:
            each.close()


@EACH
def test_a_server_without_room_is_tried_again_until_it_has_some(connected: Connect, full: socket.socket) -> None:
    threading.Timer(0.05, lambda: full.accept()[0].close()).start()
    with connected(origin_of(uds=full.getsockname())) as made:
        assert made.getpeername() == full.getsockname()


def test_a_server_that_never_has_room_is_given_up_at_the_end_of_the_time(full: socket.socket) -> None:
    with pytest.raises(TimeoutError, match="did not accept a connection in time"):
        connect(origin_of(uds=full.getsockname()), time.monotonic() + 0.05)


def test_the_url_of_a_unix_socket_is_an_origin() -> None:
    origin = Origin.parse(unix_url("/run/a b.sock"), ClientTLS())
    assert origin is not None
    assert (origin.uds, origin.authority, origin.tls) == ("/run/a b.sock", "localhost", None)


def test_a_unix_socket_is_reached_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")
    assert Origin.parse(unix_url("/run/a.sock"), ClientTLS()) is not None


def test_a_path_that_is_not_encoded_is_refused() -> None:
    with pytest.raises(LocalServiceException, match="write its absolute path percent-encoded"):
        Origin.parse("http+unix://", ClientTLS())
