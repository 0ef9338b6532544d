"""The socket and the loop behind it."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from raw_http import Connection, request

from service_core import LocalServiceException, PortInUseException
from service_server_fastapi.http1.listener import Listener, bind
from service_server_fastapi.settings import ServerSettings

HAS_IPV6 = socket.has_ipv6


@pytest.fixture
def bound() -> Iterator[socket.socket]:
    with bind("127.0.0.1", 0) as bound:
        yield bound


def port_of(bound: socket.socket) -> int:
    port: int = bound.getsockname()[1]
    return port


def test_port_0_picks_a_free_one_each_time(bound: socket.socket) -> None:
    with bind("127.0.0.1", 0) as other:
        assert 0 != port_of(bound) != port_of(other)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_a_taken_port_is_refused_with_what_to_do(bound: socket.socket, host: str) -> None:
    port = port_of(bound)
    with pytest.raises(PortInUseException) as caught:
        bind(host, port)
    assert str(caught.value) == (
        f"port {port} on {host} is taken by another process; stop it, choose another port, or port 0 for any free one"
    )


def test_a_port_is_free_again_as_soon_as_it_is_closed() -> None:
    with bind("127.0.0.1", 0) as first:
        port = port_of(first)
        with socket.create_connection(("127.0.0.1", port)):
            pass
    bind("127.0.0.1", port).close()


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "::ffff"])
def test_an_address_that_is_not_ours_is_refused(host: str) -> None:
    with pytest.raises(LocalServiceException, match=f"cannot listen on {host}:0: ") as caught:
        bind(host, 0)
    assert not isinstance(caught.value, PortInUseException)


def test_an_ipv6_address_can_be_listened_on() -> None:
    with bind("::1", 0) as bound:
        assert bound.family == socket.AF_INET6


def test_it_answers_when_it_has_started_and_does_not_when_it_has_stopped(bound: socket.socket) -> None:
    listener = Listener(FastAPI(), bound, ServerSettings())
    url = f"http://127.0.0.1:{port_of(bound)}"

    listener.start()
    assert request(url, "/docs").status == 200

    assert listener.stop(timeout=20)
    with pytest.raises(ConnectionRefusedError):
        request(url, "/docs")


def test_stopping_twice_and_before_the_start_is_harmless(bound: socket.socket) -> None:
    listener = Listener(FastAPI(), bound, ServerSettings())
    assert listener.stop(timeout=20)
    assert listener.stop(timeout=20)


def test_an_application_that_does_not_start_is_an_error(bound: socket.socket) -> None:
    async def broken(_scope: object, _receive: object, _send: object) -> None:
        raise ValueError("on purpose")

    with pytest.raises(LocalServiceException, match=r"the server did not start; the log of 'uvicorn\.error' has"):
        Listener(broken, bound, ServerSettings()).start()
    assert "service-server" not in [thread.name for thread in threading.enumerate()]


def test_an_idle_connection_is_closed_after_its_time(bound: socket.socket) -> None:
    listener = Listener(FastAPI(), bound, ServerSettings(keep_alive=0.1))  # uvicorn counts in seconds
    listener.start()
    with Connection(f"http://127.0.0.1:{port_of(bound)}") as connection:
        connection.head("GET", "/docs")
        assert connection.reply().status == 200
        assert connection.is_closed()
    listener.stop(timeout=20)


def test_logging_is_left_to_the_application(bound: socket.socket, caplog: pytest.LogCaptureFixture) -> None:
    names = ["", "uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"]

    def look() -> list[object]:
        loggers = [logging.getLogger(name) for name in names]
        return [(logger.level, list(logger.handlers), logger.propagate, logger.disabled) for logger in loggers]

    before = look()
    with caplog.at_level(logging.INFO):
        listener = Listener(FastAPI(), bound, ServerSettings())
        listener.start()
        request(f"http://127.0.0.1:{port_of(bound)}", "/docs")
        listener.stop(timeout=20)
        during = [record for record in caplog.records if record.name == "uvicorn.access"]

    assert look() == before
    assert during == []


def test_a_response_does_not_tell_the_software(bound: socket.socket) -> None:
    listener = Listener(FastAPI(), bound, ServerSettings())
    listener.start()
    reply = request(f"http://127.0.0.1:{port_of(bound)}", "/nothing")
    listener.stop(timeout=20)

    assert "server" not in reply.headers
