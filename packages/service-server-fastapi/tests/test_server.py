"""A server from boot to stop, in the process of the test."""

from __future__ import annotations

import asyncio
import gc
import http.client
import json
import logging
import os
import signal
import socket
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from desk import DeskComponentImpl, DeskImpl, World, serving, until
from raw_http import Connection, Reply, call, envelope, head_of, request
from ways import EACH_WAY, Way

from service_core import (
    ComponentStatus,
    DependencyException,
    LocalServiceException,
    PortInUseException,
    Server,
    ServiceManager,
)
from service_core.di import create, module
from service_server_fastapi import FastAPIServer, ServerSettings

LIMIT = 20.0


class Trouble(Exception):
    """What a component raises on purpose."""


def can_connect(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("service-")}


def started_since(before: set[threading.Thread]) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("service-") and thread not in before]


# start


def test_boot_returns_the_environment_when_calls_are_answered() -> None:
    world = World()
    with FastAPIServer("127.0.0.1", 0) as server:
        environment = server.boot(world.module())

        assert call(server.url, "echo", "a").json["result"] == "a"
        assert server.is_ready
        assert environment.get(DeskImpl) is world.desk
        assert environment.get(FastAPIServer) is server
        assert world.component.get_status() is ComponentStatus.RUNNING


def test_the_port_is_bound_before_anything_is_made_and_calls_are_answered_before_registration() -> None:
    world = World()
    server = FastAPIServer("127.0.0.1", 0)
    seen: dict[str, Any] = {}

    class WatchingComponent(DeskComponentImpl):
        def startup(self) -> None:
            seen["startup"] = can_connect(Server.port)
            super().startup()

    world.component = WatchingComponent(world.log)
    world.registry.on_register = lambda: seen.update(register=call(server.url, "echo", "a").status)
    with server:
        server.boot(world.module())

    assert seen == {"startup": True, "register": 200}
    assert world.log == ["startup", "register", "deregister", "shutdown", "destroyed"]


def test_modules_know_the_port_when_they_create_objects() -> None:
    seen: list[tuple[str, int]] = []

    @module(imports=[World().module()])
    class Asking:
        @create()
        def create_note(self) -> Trouble:
            seen.append((Server.host, Server.port))
            return Trouble()

    with FastAPIServer("127.0.0.1", 0) as server:
        server.boot(Asking)
        assert [f"http://{host}:{port}" for host, port in seen] == [server.url]
        assert Server.get_local_ip() == "127.0.0.1"


def test_calls_that_come_before_the_components_are_up_wait_for_them() -> None:
    world = World()
    answers: list[Reply] = []

    class SlowComponent(DeskComponentImpl):
        def startup(self) -> None:
            self.early = threading.Thread(target=lambda: answers.append(call(server.url, "echo", "a")))
            self.early.start()
            assert not answers
            super().startup()

    server = FastAPIServer("127.0.0.1", 0)
    component = world.component = SlowComponent(world.log)
    with server:
        server.boot(world.module())
        component.early.join(LIMIT)
        assert [reply.status for reply in answers] == [200]


def test_a_taken_port_is_refused_before_anything_is_made() -> None:
    with serving() as (other, _):
        world = World()
        port = int(other.url.rpartition(":")[2])
        with pytest.raises(PortInUseException, match=f"port {port} on 127.0.0.1 is taken"):
            FastAPIServer("127.0.0.1", port).boot(world.module())
        assert world.log == []
        assert call(other.url, "echo", "a").status == 200


class FailingComponent(DeskComponentImpl):
    def startup(self) -> None:
        raise Trouble("at startup")


def test_a_startup_that_raises_leaves_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.component = FailingComponent(world.log)
    server = FastAPIServer("127.0.0.1", 0)

    with pytest.raises(Trouble, match="at startup"):
        server.boot(world.module())

    assert world.log == ["destroyed"]
    assert not can_connect(Server.port)
    assert "service-server" not in threads()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]  # it is raised, that is enough
    server.stop()  # as at the end of a with block
    assert world.log == ["destroyed"]


def test_errors_on_the_way_back_are_noted() -> None:
    class Breaking(World):
        def module(self, *imports: type) -> type:
            original = super().module(*imports)

            def end(_self: object) -> None:
                raise Trouble("at the end")

            end.__dict__.update(original.end.__dict__)  # type: ignore[attr-defined]
            original.end = end  # type: ignore[attr-defined]
            return original

    world = Breaking()
    world.component = FailingComponent(world.log)

    with pytest.raises(Trouble, match="at startup") as caught:
        FastAPIServer("127.0.0.1", 0).boot(world.module())

    assert caught.value.__notes__ == ["then what was started already failed to end: Trouble('at the end')"]


def test_a_missing_dependency_leaves_nothing_behind() -> None:
    @module()
    class WithoutRegistry: ...

    with pytest.raises(DependencyException, match="needs ComponentRegistry, which is not provided"):
        FastAPIServer("127.0.0.1", 0).boot(WithoutRegistry)
    assert not can_connect(Server.port)


def test_a_registration_that_fails_is_taken_back() -> None:
    world = World()

    def refuse() -> None:
        raise Trouble("by the registry")

    world.registry.on_register = refuse
    with pytest.raises(Trouble, match="by the registry"):
        FastAPIServer("127.0.0.1", 0).boot(world.module())

    assert world.log == ["startup", "register", "deregister", "shutdown", "destroyed"]
    assert not can_connect(Server.port)


def test_a_server_serves_once() -> None:
    with serving() as (server, world), pytest.raises(LocalServiceException, match="starts once"):
        server.boot(world.module())


def test_a_server_has_no_address_before_it_is_bound() -> None:
    with pytest.raises(LocalServiceException, match=r"has no address, since it is not started"):
        _ = FastAPIServer("127.0.0.1", 0).url


def test_it_serves_ipv6() -> None:
    world = World()
    with FastAPIServer("::1", 0) as server:
        server.boot(world.module())

        assert server.url.startswith("http://[::1]:")
        assert call(server.url, "echo", "a").status == 200


def test_all_addresses_of_the_machine_are_reached_by_the_local_one() -> None:
    world = World()
    with FastAPIServer("0.0.0.0", 0) as server:
        server.boot(world.module())

        assert server.url.startswith("http://127.0.0.1:")
        assert call(server.url, "echo", "a").status == 200


def test_two_servers_live_in_one_process() -> None:
    with serving() as (one, world_of_one), serving() as (other, world_of_other):
        assert call(one.url, "echo", "one").json["result"] == "one"
        assert call(other.url, "echo", "other").json["result"] == "other"
        other.stop()
        assert call(one.url, "echo", "again").json["result"] == "again"
    assert (world_of_one.desk.runs, world_of_other.desk.runs) == (["echo", "echo"], ["echo"])


async def test_it_boots_and_stops_inside_an_event_loop() -> None:
    with serving() as (server, _):
        reply = await asyncio.to_thread(call, server.url, "echo", "a")
    assert reply.status == 200


# stop


def test_stop_ends_all_that_boot_began() -> None:
    before = set(threading.enumerate())
    with serving() as (server, world):
        call(server.url, "echo", "a")
        port = Server.port
        server.stop()

        assert not can_connect(port)
        assert not server.is_ready
        assert world.component.get_status() is ComponentStatus.STOPPED
        until(lambda: not started_since(before))

        server.stop()
        assert world.log == ["startup", "register", "deregister", "shutdown", "destroyed"]


def test_stopping_what_never_began_is_harmless() -> None:
    FastAPIServer("127.0.0.1", 0).stop()


def test_a_port_is_free_again_after_stop() -> None:
    with serving() as (first, _):
        pass
    port = int(first.url.rpartition(":")[2])
    with FastAPIServer("127.0.0.1", port) as second:
        second.boot(World().module())


def test_threads_that_stop_at_once_all_return_when_it_has_stopped() -> None:
    with serving() as (server, world), ThreadPoolExecutor(4) as pool:

        def stop() -> bool:
            server.stop()
            return "destroyed" in world.log

        assert [one.result() for one in [pool.submit(stop) for _ in range(4)]] == [True] * 4
    assert world.log.count("shutdown") == world.log.count("deregister") == 1


@EACH_WAY
def test_calls_in_flight_are_finished_before_the_component_shuts_down(way: Way) -> None:
    with serving(app=way()) as (server, world), ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(call, server.url, method) for method in ("block", "linger")]
        for _ in calls:
            world.desk.entered.acquire()
        stopping = pool.submit(server.stop)
        until(lambda: "deregister" in world.log)
        assert "shutdown" not in world.log

        world.desk.release.set()

        assert [one.result().json["result"] for one in calls] == ["released", "released"]
        stopping.result()
        assert world.log[-2:] == ["shutdown", "destroyed"]


@EACH_WAY
@pytest.mark.parametrize("method", ["block", "linger"])
def test_a_call_that_does_not_end_is_cut_off_at_the_limit(
    way: Way, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = ServerSettings(drain_timeout=0.1)
    with serving(app=way(), settings=settings) as (server, world), ThreadPoolExecutor(1) as pool:
        endless = pool.submit(call, server.url, method, x_correlation_id="abc-1")
        world.desk.entered.acquire()

        server.stop()

        reply = endless.result()
        assert (reply.status, reply.error["code"]) == (200, "deadline_exceeded")
        assert reply.error["correlation_id"] == "abc-1"
        assert "it may have run" in reply.error["message"]
        assert world.log[-2:] == ["shutdown", "destroyed"]
    assert world.desk.cancelled.is_set() is (method == "linger")
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == [
        "1 requests did not finish in time before the end and are cancelled"
    ]


class StubbornDesk(DeskImpl):
    """Does not let itself be cancelled."""

    async def linger(self) -> str:
        while not self.release.is_set():
            with suppress(asyncio.CancelledError):
                await super().linger()
        return "released"


@EACH_WAY
def test_a_call_whose_caller_is_gone_is_finished_too(way: Way) -> None:
    world = World()
    world.desk = StubbornDesk()
    with serving(world, app=way()) as (server, _), ThreadPoolExecutor(1) as pool:
        with Connection(server.url) as connection:
            connection.send(head_of(content_length=len(envelope("linger"))) + envelope("linger"))
            assert world.desk.entered.acquire(timeout=LIMIT)
        assert world.desk.cancelled.wait(LIMIT)
        stopping = pool.submit(server.stop)
        until(lambda: "deregister" in world.log)

        def release() -> None:
            world.log.append("released")
            world.desk.release.set()

        threading.Timer(0.5, release).start()
        stopping.result()
    assert world.log[-3:] == ["released", "shutdown", "destroyed"]


class BlockingDesk(DeskImpl):
    """Blocks the event loop."""

    async def linger(self) -> str:
        return self.block()


@pytest.mark.parametrize("desk", [StubbornDesk, BlockingDesk])
def test_stop_returns_even_if_the_event_loop_cannot_end(
    desk: type[DeskImpl], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service_server_fastapi.serving.own_listener._SLACK", 0.1)
    world = World()
    world.desk = desk()
    settings = ServerSettings(drain_timeout=0.1, shutdown_timeout=0.5)
    with serving(world, settings=settings) as (server, _), Connection(server.url) as connection:
        connection.head(content_length=len(envelope("linger")))
        connection.send(envelope("linger"))
        world.desk.entered.acquire()

        server.stop()

        assert world.log[-2:] == ["shutdown", "destroyed"]
        assert "the event loop did not end in time" in caplog.text
        server_thread = next(thread for thread in threading.enumerate() if thread.name == "service-server")
        world.desk.release.set()
        server_thread.join(LIMIT)
        assert not server_thread.is_alive()


@EACH_WAY
def test_a_kept_connection_is_closed_with_the_next_answer_while_the_server_stops(way: Way) -> None:
    with serving(app=way()) as (server, world), Connection(server.url) as connection:
        replies: list[Reply] = []

        def ask() -> None:
            body = envelope("echo", "a")
            connection.send(head_of(content_length=len(body)) + body)
            replies.append(connection.reply())

        ask()
        world.registry.on_deregister = ask
        server.stop()

        assert [reply.status for reply in replies] == [200, 200]
        assert [reply.headers.get("connection") for reply in replies] == [None, "close"]
        assert connection.is_closed()


def test_an_idle_connection_is_closed_at_the_end() -> None:
    with serving() as (server, _), Connection(server.url) as connection:
        server.stop()
        assert connection.is_closed()


@pytest.mark.parametrize(
    ("shared", "delay", "slept"), [(True, 0.3, 0.3), (False, 0.3, 0.3), (True, None, 0.5), (False, None, 0.0)]
)
def test_a_propagation_delay_holds_for_every_registry_and_by_default_for_shared_ones(
    shared: bool, delay: float | None, slept: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    monkeypatch.setattr(type(world.registry), "is_shared", shared)
    pauses: list[float] = []
    monkeypatch.setattr("service_server_fastapi.lifecycle.hosting.time.sleep", pauses.append)
    with serving(world, settings=ServerSettings(propagation_delay=delay)):
        pass

    assert pauses == [slept]


@pytest.mark.parametrize("threaded", [False, True])
def test_a_boot_that_is_stopped_meanwhile_raises_and_leaves_nothing(threaded: bool) -> None:
    world, server = World(), FastAPIServer("127.0.0.1", 0)
    handlers, before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)], threads()

    def stop() -> None:
        if threaded:
            stopping = threading.Thread(target=server.stop)
            stopping.start()
            stopping.join(LIMIT)
        else:
            server.stop()

    world.registry.on_register = stop
    with pytest.raises(LocalServiceException, match="the server was stopped before it was ready"):
        server.boot(world.module())

    assert world.log == ["startup", "register", "deregister", "shutdown", "destroyed"]
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == handlers
    until(lambda: threads() <= before)
    assert not can_connect(int(server.url.rpartition(":")[2]))


def test_a_boot_that_fails_at_registration_leaves_nothing() -> None:
    world, server = World(), FastAPIServer("127.0.0.1", 0)
    handlers, before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)], threads()

    def fail() -> None:
        raise Trouble

    world.registry.on_register = fail
    with pytest.raises(Trouble):
        server.boot(world.module())

    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == handlers
    until(lambda: threads() <= before)
    assert not can_connect(int(server.url.rpartition(":")[2]))


def test_a_forked_child_does_not_stop_the_server_of_its_parent() -> None:
    with serving() as (server, world):
        child = os.fork()
        if child == 0:
            server.stop()
            os._exit(0 if world.log == ["startup", "register"] else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert call(server.url, "echo", "a").status == 200


@pytest.mark.parametrize("method", ["stop_sync", "stop_async"])
def test_stop_inside_a_request_returns_at_once_and_the_request_is_answered(method: str) -> None:
    world = World()
    world.desk = desk = StoppingDesk()
    with serving(world) as (server, _):
        desk.server = server

        reply = call(server.url, "echo" if method == "stop_sync" else "echo_async", "stop")

        assert reply.json["result"] == "stopping"
        server.wait()
        assert world.log[-2:] == ["shutdown", "destroyed"]


class StoppingDesk(DeskImpl):
    server: FastAPIServer

    def echo(self, text: str, *, times: int = 1) -> str:
        self.server.stop()
        return "stopping"

    async def echo_async(self, text: str) -> str:
        self.server.stop()
        return "stopping"


def test_stop_inside_a_shutdown_does_not_wait_for_itself() -> None:
    world = World()

    class StoppingComponent(DeskComponentImpl):
        def shutdown(self) -> None:
            server.stop()
            super().shutdown()

    world.component = StoppingComponent(world.log)
    with serving(world) as (server, _):
        pass
    assert world.log[-2:] == ["shutdown", "destroyed"]


class BreakingComponent(DeskComponentImpl):
    def shutdown(self) -> None:
        super().shutdown()
        raise Trouble("at shutdown")


def test_an_error_at_the_end_is_raised_after_everything_has_ended() -> None:
    world = World()
    world.component = BreakingComponent(world.log)
    with serving(world) as (server, _):
        port = Server.port
        with pytest.raises(Trouble, match="at shutdown") as caught:
            server.stop()
        assert caught.value.__notes__ == ["in shutdown() of component 'desk-component'"]
        assert world.log[-2:] == ["shutdown", "destroyed"]
        assert not can_connect(port)
        with pytest.raises(Trouble, match="at shutdown"):
            server.wait()


def test_several_errors_at_the_end_are_reported_whole() -> None:
    world = World()
    world.component = BreakingComponent(world.log)

    def refuse() -> None:
        raise Trouble("by the registry")

    world.registry.on_deregister = refuse
    with serving(world) as (server, _):
        with pytest.raises(ExceptionGroup, match="did not stop cleanly") as caught:
            server.stop()
        assert [str(error) for error in caught.value.exceptions] == ["by the registry", "at shutdown"]
        assert world.log[-3:] == ["deregister", "shutdown", "destroyed"]


def test_a_shutdown_that_hangs_is_not_waited_for_for_ever() -> None:
    world = World()

    class HangingComponent(DeskComponentImpl):
        def shutdown(self) -> None:
            world.desk.release.wait(LIMIT)
            super().shutdown()

    world.component = HangingComponent(world.log)
    with (
        serving(world, settings=ServerSettings(shutdown_timeout=0.1)) as (server, _),
        pytest.raises(LocalServiceException, match=r"did not shut down within 0\.1 s; see which shutdown\(\)"),
    ):
        server.stop()


def test_wait_returns_when_another_thread_has_stopped_the_server() -> None:
    with serving() as (server, world):
        threading.Thread(target=server.stop).start()
        server.wait()
        assert world.log[-1] == "destroyed"


def test_signals_are_given_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with serving():
        assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] != before
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def test_nothing_keeps_a_stopped_server_alive() -> None:
    gone = threading.Event()

    def serve() -> None:
        with serving() as (server, _):
            call(server.url, "echo", "a")
            weakref.finalize(server, gone.set)

    serve()
    for _ in range(100):
        gc.collect()
        if gone.wait(0.1):
            return
    pytest.fail("the server is still referenced")


def test_two_boots_in_turn_hold_the_same_environment_contents() -> None:
    for _ in range(2):
        with serving() as (server, _):
            assert call(server.url, "echo", "a").status == 200


def test_the_manager_is_closed_with_the_environment() -> None:
    world = World()
    with FastAPIServer("127.0.0.1", 0) as server:
        environment = server.boot(world.module())
        manager = environment.get(ServiceManager)
    with pytest.raises(DependencyException, match="after its environment was destroyed"):
        environment.get(ServiceManager)
    assert manager.component_registry is world.registry


def test_a_request_in_the_last_moment_is_answered_or_refused_but_not_lost() -> None:
    """What comes while the server stops is either answered or certainly not run."""
    outcomes: list[bool] = []
    with serving() as (server, world), ThreadPoolExecutor(4) as pool:
        ended = threading.Event()

        def hammer() -> None:
            while not ended.is_set():
                ran = len(world.desk.runs)
                try:
                    outcomes.append(call(server.url, "echo", "a").json["result"] == "a")
                except (OSError, http.client.HTTPException, json.JSONDecodeError):
                    outcomes.append(len(world.desk.runs) >= ran)

        workers = [pool.submit(hammer) for _ in range(4)]
        until(lambda: len(outcomes) >= 20)
        server.stop()
        ended.set()
        for worker in workers:
            worker.result()
    assert all(outcomes)


def test_health_of_a_stopped_server_is_not_answered() -> None:
    with serving() as (server, _):
        pass
    with pytest.raises(ConnectionRefusedError):
        request(server.url, "/health/live")
