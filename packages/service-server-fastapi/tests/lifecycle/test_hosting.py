"""The order of things, without a server around it."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable

import pytest
from desk import DeskComponentImpl, World, until

from service_core import Health, LocalServiceException, Server, ServiceModule
from service_core.di import Environment
from service_core.hosting.server import ServerAddress
from service_server_fastapi import ServerSettings
from service_server_fastapi.lifecycle.hosting import Hosting, HostingState


class Unrouted(Server):
    def route_health(self, path: str, check: Callable[[], Awaitable[Health]]) -> None:
        """Not called."""


SERVER = Unrouted()


def hosting_of(world: World, **settings: float) -> Hosting:
    return Hosting(Environment(world.module(), ServiceModule), ServerSettings.model_validate(settings), ServerAddress())


def test_its_state_follows_its_steps() -> None:
    hosting = hosting_of(World())
    states = [hosting.state]
    steps: list[Callable[[], None]] = [
        lambda: hosting.start(SERVER),
        lambda: hosting.register(8000),
        hosting.leave,
        hosting.finish,
    ]
    for step in steps:
        step()
        states.append(hosting.state)

    assert states == [
        HostingState.STARTING,
        HostingState.STARTING,
        HostingState.READY,
        HostingState.STOPPING,
        HostingState.STOPPED,
    ]


def test_what_has_left_is_not_registered_any_more() -> None:
    world = World()
    hosting = hosting_of(world)
    hosting.start(SERVER)
    hosting.leave()
    hosting.register(8000)
    hosting.finish()

    assert world.log == ["startup", "shutdown", "destroyed"]


def test_leaving_during_a_registration_takes_it_back() -> None:
    world = World()
    hosting = hosting_of(world)
    hosting.start(SERVER)
    leaving = threading.Thread(target=hosting.leave)

    def leave() -> None:
        leaving.start()
        until(lambda: hosting.is_stopping)

    world.registry.on_register = leave
    hosting.register(8000)
    leaving.join()

    assert world.log == ["startup", "register", "deregister"]
    assert hosting.state is HostingState.STOPPING
    hosting.finish()


def test_every_step_is_taken_once() -> None:
    world = World()
    hosting = hosting_of(world)
    hosting.start(SERVER)
    steps: list[Callable[[], None]] = [lambda: hosting.register(8000), hosting.leave, hosting.finish]
    for step in steps:
        step()
        step()

    assert world.log == ["startup", "register", "deregister", "shutdown", "destroyed"]
    hosting.leave()
    assert hosting.state is HostingState.STOPPED


def test_a_second_stop_waits_for_the_end() -> None:
    world = World()
    entered = threading.Event()

    class SlowComponent(DeskComponentImpl):
        def shutdown(self) -> None:
            entered.set()
            world.desk.release.wait(20)
            super().shutdown()

    world.component = SlowComponent(world.log)
    hosting = hosting_of(world)
    hosting.start(SERVER)
    first = threading.Thread(target=hosting.finish)
    first.start()
    entered.wait(20)
    threading.Timer(0.05, world.desk.release.set).start()
    hosting.finish()

    assert world.log[-1] == "destroyed"
    first.join()


def test_a_failure_is_raised_by_every_stop() -> None:
    world = World()

    def refuse() -> None:
        raise ConnectionError("by the registry")

    world.registry.on_deregister = refuse
    hosting = hosting_of(world)
    hosting.start(SERVER)
    hosting.register(8000)
    hosting.leave()

    for _ in range(2):
        with pytest.raises(ConnectionError, match="by the registry"):
            hosting.finish()


def test_where_python_has_no_threads_any_more_the_end_comes_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    hosting = hosting_of(world)
    hosting.start(SERVER)

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        hosting.finish()

    assert world.log == ["startup", "shutdown", "destroyed"]


def test_an_end_that_takes_too_long_is_an_error() -> None:
    world = World()

    class HangingComponent(DeskComponentImpl):
        def shutdown(self) -> None:
            world.desk.release.wait(20)

    world.component = HangingComponent(world.log)
    hosting = hosting_of(world, shutdown_timeout=0.05)
    hosting.start(SERVER)
    with pytest.raises(LocalServiceException, match=r"did not shut down within 0\.05 s"):
        hosting.finish()
    world.desk.release.set()
