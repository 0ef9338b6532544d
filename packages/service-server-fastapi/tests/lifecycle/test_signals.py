"""The end of real processes: by signals, by errors, and by coming to their end."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from desk import until
from desk_program import Program
from raw_http import call, request

from service_server_fastapi.lifecycle import signals as lifecycle_signals
from service_server_fastapi.lifecycle.signals import GracefulSignals
from service_server_fastapi.listening.sockets import bind

pytestmark = pytest.mark.slow


@pytest.fixture
def port() -> int:
    with bind("127.0.0.1", 0) as bound:
        found: int = bound.getsockname()[1]
        return found


LIFE = ["startup", "register", "deregister", "shutdown", "destroyed"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_in_the_foreground_stops_in_order_and_returns(port: int, number: int) -> None:
    with Program("program.py", "run", port=port) as program:
        program.wait_for("register")
        assert call(program.url, "echo", "a").status == 200
        program.signal(number)

        assert program.end() == 0
        assert program.lines == [*LIFE, "over"]
        assert program.errors == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_in_the_background_stops_in_order_before_the_signal_does_its_work(port: int, number: int) -> None:
    with Program("program.py", "boot", port=port) as program:
        program.wait_for("register")
        program.signal(number)

        assert program.end() == -number
        assert program.lines == LIFE


def test_process_1_of_a_container_ends_by_itself(port: int) -> None:
    """There the kernel ignores a signal that has no handler, also one that a process sends itself."""
    container = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
    with Program("program.py", "boot", port=port, prefix=container) as program:
        program.wait_for("register")
        children = Path(f"/proc/{program.process.pid}/task/{program.process.pid}/children").read_text()
        os.kill(int(children), signal.SIGTERM)

        assert program.end() == 128 + signal.SIGTERM
        assert program.lines == LIFE


def test_a_handler_that_was_there_before_gets_its_turn_afterwards(port: int) -> None:
    with Program("program.py", "handler", port=port) as program:
        program.wait_for("register")
        program.signal(signal.SIGTERM)
        program.wait_for("handled")
        assert program.process.stdin is not None
        program.process.stdin.close()

        assert program.end() == 0
        assert program.lines == [*LIFE, "handled"]


def test_a_program_that_comes_to_its_end_stops_its_server_in_order(port: int) -> None:
    with Program("program.py", "end", port=port) as program:
        assert program.end() == 0
        assert program.lines == LIFE
        assert program.errors == ""


@pytest.mark.parametrize("way", ["run", "boot"])
def test_calls_in_flight_are_finished(port: int, way: str) -> None:
    with Program("program.py", way, port=port) as program, ThreadPoolExecutor(1) as pool:
        program.wait_for("register")
        in_flight = pool.submit(call, program.url, "block")
        program.wait_for("blocked")
        program.signal(signal.SIGTERM)
        program.wait_for("deregister")
        call(program.url, "let_go")

        assert in_flight.result().json["result"] == "released"
        program.end()
        assert [line for line in program.lines if line in LIFE] == LIFE


@pytest.mark.parametrize("way", ["run", "boot"])
@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupt_after_the_first_signal_ends_the_process_at_once(port: int, way: str, first: int) -> None:
    with Program("program.py", way, port=port, drain_timeout=600) as program, ThreadPoolExecutor(1) as pool:
        program.wait_for("register")
        in_flight = pool.submit(call, program.url, "block")
        program.wait_for("blocked")
        program.signal(first)
        program.wait_for("deregister")
        program.signal(signal.SIGINT)

        assert program.end() == -signal.SIGINT
        assert "shutdown" not in program.lines
        assert isinstance(in_flight.exception(), OSError | http.client.HTTPException)


@pytest.mark.parametrize("way", ["run", "boot", "uvicorn"])
def test_a_second_termination_signal_cuts_off_no_call(port: int, way: str) -> None:
    """A service manager sends one to the whole process group, and a supervisor one more to its workers."""
    make = uvicorn(port) if way == "uvicorn" else Program("program.py", way, port=port)
    with make as program, ThreadPoolExecutor(1) as pool:
        program.wait_for("register")
        in_flight = pool.submit(call, program.url, "block")
        program.wait_for("blocked")
        program.signal(signal.SIGTERM)
        program.wait_for("deregister")
        program.signal(signal.SIGTERM)
        call(program.url, "let_go")

        assert in_flight.result().json["result"] == "released"
        program.end()
        assert [line for line in program.lines if line in LIFE] == LIFE


def test_a_call_that_does_not_end_does_not_keep_the_process_alive(port: int) -> None:
    with Program("program.py", "run", port=port, drain_timeout=0.1) as program, ThreadPoolExecutor(2) as pool:
        program.wait_for("register")
        in_flight = [pool.submit(call, program.url, method) for method in ("block", "linger")]
        program.wait_for("blocked")
        program.wait_for("lingering")
        program.signal(signal.SIGTERM)

        assert program.end() == 0
        assert [one.result().error["code"] for one in in_flight] == ["deadline_exceeded", "deadline_exceeded"]
        assert [line for line in program.lines if line in LIFE] == LIFE


def test_a_startup_that_raises_ends_the_process_with_an_error(port: int) -> None:
    with Program("program.py", "failing", port=port) as program:
        assert program.end() == 1
        assert program.lines == ["destroyed"]
        assert program.errors.rstrip().endswith("ConnectionError: the database is away")
        assert program.errors.count("ConnectionError: the database is away") == 1
        assert program.errors.count("Traceback") == 1
        assert program.errors.startswith("Traceback")


def test_a_taken_port_ends_the_process_with_an_error(port: int) -> None:
    with socket.create_server(("127.0.0.1", port)), Program("program.py", "run", port=port) as program:
        assert program.end() == 1
        assert program.lines == []
        assert f"PortInUseException: port {port} on 127.0.0.1 is taken by another process" in program.errors


def test_a_shutdown_that_raises_ends_the_process_with_an_error(port: int) -> None:
    with Program("program.py", "breaking", port=port) as program:
        program.wait_for("register")
        program.signal(signal.SIGTERM)

        assert program.end() == 1
        assert program.lines == LIFE
        assert "ConnectionError: the database is away\nin shutdown() of component 'desk-component'" in program.errors


# under uvicorn


def uvicorn(port: int, *options: str, **settings: Any) -> Program:
    command = ["-m", "uvicorn", "--factory", "program:make_app", "--port", str(port), *options]
    return Program(*command, port=port, **settings)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_under_uvicorn_it_starts_and_stops_in_the_same_order(port: int, number: int) -> None:
    with uvicorn(port) as program, ThreadPoolExecutor(1) as pool:
        program.wait_for("register")
        in_flight = pool.submit(call, program.url, "block")
        program.wait_for("blocked")
        program.signal(number)
        program.wait_for("deregister")
        call(program.url, "let_go")  # still answered, so that clients can hear of the end

        assert in_flight.result().json["result"] == "released"
        program.end()
        assert [line for line in program.lines if line in LIFE] == LIFE


def test_under_uvicorn_calls_are_cut_off_at_our_limit(port: int) -> None:
    with uvicorn(port, drain_timeout=0.1) as program, ThreadPoolExecutor(2) as pool:
        program.wait_for("register")
        in_flight = [pool.submit(call, program.url, method) for method in ("block", "linger")]
        program.wait_for("blocked")
        program.wait_for("lingering")
        program.signal(signal.SIGTERM)

        program.end()
        assert [one.result().error["code"] for one in in_flight] == ["deadline_exceeded", "deadline_exceeded"]
        assert [line for line in program.lines if line in LIFE] == LIFE


def test_under_uvicorn_an_interrupt_after_the_first_signal_ends_the_process_at_once(port: int) -> None:
    with uvicorn(port, drain_timeout=600) as program, ThreadPoolExecutor(1) as pool:
        program.wait_for("register")
        pool.submit(call, program.url, "block")
        program.wait_for("blocked")
        program.signal(signal.SIGTERM)
        program.wait_for("deregister")
        program.signal(signal.SIGINT)

        assert program.end() == -signal.SIGINT
        assert "shutdown" not in program.lines


def test_under_uvicorn_a_startup_that_raises_ends_the_process(port: int) -> None:
    command = ["-m", "uvicorn", "--factory", "program:make_failing_app", "--port", str(port)]
    with Program(*command, port=port) as program:
        assert program.end() == 3
        assert program.lines == ["destroyed"]
        assert "ConnectionError: the database is away" in program.errors


@pytest.mark.parametrize("group_signal", [None, signal.SIGINT, signal.SIGTERM])
def test_several_workers_each_stop_in_order(port: int, group_signal: int | None) -> None:
    """A terminal and a service manager signal the group, and the supervisor its workers; together it is one stop."""
    with uvicorn(port, "--workers", "2") as program, ThreadPoolExecutor(8) as pool:
        program.wait_for("register", count=2)
        in_flight = [pool.submit(call, program.url, "block") for _ in range(8)]
        program.wait_for("blocked", count=8)
        if group_signal is not None:
            os.killpg(program.process.pid, group_signal)
        else:
            program.signal(signal.SIGTERM)
        program.wait_for("deregister", count=2)
        while any(not one.done() for one in in_flight):
            try:
                call(program.url, "let_go")
            except OSError:
                break

        assert program.end() == 0
        assert {one.result().status for one in in_flight} <= {200}
        assert sorted(line for line in program.lines if line in LIFE) == sorted(LIFE * 2)


# without a process


def test_signals_that_are_ignored_stay_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        signals = GracefulSignals(lambda: None, pass_on=False)
        signals.install()
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
        signals.restore()
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_handler_that_was_set_meanwhile_is_left_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    signals = GracefulSignals(lambda: None, pass_on=False)
    signals.install()
    try:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signals.restore()
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


async def test_a_signal_that_the_event_loop_handles_by_itself_reaches_it_once() -> None:
    loop, received, has_ended = asyncio.get_running_loop(), list[str](), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, received.append, "loop")
    signals = GracefulSignals(lambda: None, pass_on=True)
    signals.install()
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.to_thread(until, lambda: signals._has_ended)
        loop.call_later(0.2, has_ended.set)  # a second one would have arrived
        await has_ended.wait()
        assert received == ["loop"]
    finally:
        signals.restore()
        loop.remove_signal_handler(signal.SIGTERM)


@pytest.mark.parametrize("ends_by_itself", [True, False])
def test_a_signal_without_a_handler_takes_effect_after_the_last_call_unless_the_server_ends_before(
    ends_by_itself: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    calls = iter([False, False, True])

    def is_idle() -> bool:
        order.append("asked")
        return next(calls)

    monkeypatch.setattr(lifecycle_signals, "_end_by_signal", lambda _: order.append("died"))
    monkeypatch.setattr(lifecycle_signals, "_GRACE", 20.0 if ends_by_itself else 0.0)
    previous = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signals = GracefulSignals(lambda: order.append("left"), pass_on=True, is_idle=is_idle)
    signals.install()
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        until(lambda: order.count("asked") == 3)
        if ends_by_itself:
            signals.restore()
        until(lambda: signals._has_ended and (ends_by_itself or "died" in order))
        assert order == ["left", "asked", "asked", "asked", *([] if ends_by_itself else ["died"])]
    finally:
        signals.restore()
        signal.signal(signal.SIGTERM, previous)


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=GracefulSignals(lambda: None, pass_on=False).install)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) == before


def test_readiness_ends_with_the_first_signal(port: int) -> None:
    with Program("program.py", "run", port=port, drain_timeout=600) as program, ThreadPoolExecutor(1) as pool:
        program.wait_for("register")
        until(lambda: request(program.url, "/health/ready").status == 200)
        pool.submit(call, program.url, "block")
        program.wait_for("blocked")
        program.signal(signal.SIGTERM)
        program.wait_for("deregister")

        assert request(program.url, "/health/ready").status == 503
        call(program.url, "let_go")
        assert program.end() == 0
