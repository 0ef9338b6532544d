"""The socket and the loop behind it."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import socket
import threading
import time
import warnings
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from raw_http import Connection, request

from service_core import LocalServiceException
from service_server_fastapi.listening.listener import Listener
from service_server_fastapi.listening.sockets import bind
from service_server_fastapi.settings import ServerSettings


@pytest.fixture
def bound() -> Iterator[socket.socket]:
    with bind("127.0.0.1", 0) as bound:
        yield bound


def port_of(bound: socket.socket) -> int:
    port: int = bound.getsockname()[1]
    return port


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


def test_a_response_does_not_name_the_software(bound: socket.socket) -> None:
    listener = Listener(FastAPI(), bound, ServerSettings())
    listener.start()
    reply = request(f"http://127.0.0.1:{port_of(bound)}", "/nothing")
    listener.stop(timeout=20)

    assert "server" not in reply.headers


def test_connections_in_the_accept_queue_are_served_at_the_stop(bound: socket.socket) -> None:
    blocked, go_on = threading.Event(), threading.Event()
    app = FastAPI()

    @app.get("/block")
    async def block() -> None:
        blocked.set()
        go_on.wait(20)  # nothing is accepted meanwhile

    listener = Listener(app, bound, ServerSettings())
    listener.start()
    url = f"http://127.0.0.1:{port_of(bound)}"
    with contextlib.ExitStack() as stack:
        first, *waiting = (stack.enter_context(Connection(url)) for _ in range(21))
        first.head("GET", "/block")
        assert blocked.wait(20)
        queued = [stack.enter_context(Connection(url)) for _ in range(20)]
        for connection in (*waiting, *queued):
            connection.head("GET", "/docs")
        threading.Timer(0.2, go_on.set).start()

        assert listener.stop(timeout=20)
        assert {connection.reply().status for connection in (first, *waiting, *queued)} == {200}


def test_a_forked_child_keeps_neither_the_port_nor_connections_open(bound: socket.socket) -> None:
    listener = Listener(FastAPI(), bound, ServerSettings())
    listener.start()
    port = port_of(bound)
    with Connection(f"http://127.0.0.1:{port}") as connection:
        connection.head("GET", "/docs")
        assert connection.reply().status == 200
        child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,), daemon=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on, for forking with threads
            child.start()
        try:
            assert request(f"http://127.0.0.1:{port}", "/docs").status == 200
            listener.stop(timeout=20)
            assert connection.is_closed()
            with bind("127.0.0.1", port):  # which another server can have at once
                pass
        finally:
            child.kill()
            child.join(20)
