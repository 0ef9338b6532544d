"""Observers of all calls of the process."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Iterator

import pytest

from service_core import (
    CallEvent,
    Catalog,
    Component,
    ErrorCode,
    RemoteServiceException,
    Service,
    ServiceManager,
    component,
    service,
)
from service_core.observing import BegunCall, EndedCall, observe_attempts, observe_client, observe_server
from service_core.testing import in_memory

CATALOG = Catalog()


@service(name="mirror", catalog=CATALOG)
class Mirror(Service):
    @abstractmethod
    def look(self) -> str: ...

    @abstractmethod
    async def look_async(self) -> str: ...

    @abstractmethod
    def fail(self) -> None: ...


@component(name="mirrors", services=[Mirror], catalog=CATALOG)
class Mirrors(Component): ...


class MirrorImpl(Mirror):
    def look(self) -> str:
        return "me"

    async def look_async(self) -> str:
        return "me"

    def fail(self) -> None:
        raise ValueError("broken")


class Recorder:
    """An observer that writes down what it receives."""

    def __init__(self) -> None:
        self.begun: list[BegunCall] = []
        self.ended: list[EndedCall] = []

    def __call__(self, call: BegunCall) -> Callable[[EndedCall], None]:
        self.begun.append(call)
        return self.ended.append


@pytest.fixture
def manager() -> Iterator[ServiceManager]:
    with in_memory(MirrorImpl(), catalog=CATALOG) as made:
        yield made


@pytest.fixture(params=[observe_client, observe_server])
def recorder(request: pytest.FixtureRequest) -> Iterator[Recorder]:
    made = Recorder()
    end = request.param(made)
    yield made
    end()


def test_a_call_is_observed_from_begin_to_end(manager: ServiceManager, recorder: Recorder) -> None:
    manager.get_service(Mirror).look()

    (begun,), (ended,) = recorder.begun, recorder.ended
    assert (begun.service, begun.method, len(begun.correlation_id or "")) == ("mirror", "look", 32)
    assert (ended.code, ended.error) == (None, "")
    assert ended.duration > 0


async def test_an_async_call_is_observed(manager: ServiceManager, recorder: Recorder) -> None:
    await manager.get_service(Mirror).look_async()

    assert [call.method for call in recorder.begun] == ["look_async"]
    assert [call.code for call in recorder.ended] == [None]


def test_a_failure_is_observed_with_code_and_class(manager: ServiceManager, recorder: Recorder) -> None:
    with pytest.raises(RemoteServiceException):
        manager.get_service(Mirror).fail()

    (ended,) = recorder.ended
    assert (ended.code, ended.error) in [
        (ErrorCode.INTERNAL, "ValueError"),
        (ErrorCode.INTERNAL, "RemoteServiceException"),
    ]


def test_both_ends_see_one_correlation_id(manager: ServiceManager) -> None:
    client, server = Recorder(), Recorder()
    ends = [observe_client(client), observe_server(server)]
    try:
        manager.get_service(Mirror).look()
    finally:
        for end in ends:
            end()

    assert client.begun[0].correlation_id == server.begun[0].correlation_id
    assert server.begun[0].component == "mirrors"


def test_an_observer_that_has_ended_sees_nothing(manager: ServiceManager) -> None:
    recorder = Recorder()
    observe_client(recorder)()

    manager.get_service(Mirror).look()

    assert recorder.begun == []


@pytest.mark.parametrize("observe", [observe_client, observe_server])
def test_an_observer_that_raises_is_logged_and_harms_neither_the_call_nor_others(
    manager: ServiceManager,
    observe: Callable[[Callable[[BegunCall], Callable[[EndedCall], None]]], Callable[[], None]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def raise_at_begin(call: BegunCall) -> Callable[[EndedCall], None]:
        raise RuntimeError("at the begin")

    def raise_at_end(call: BegunCall) -> Callable[[EndedCall], None]:
        def end(outcome: EndedCall) -> None:
            raise RuntimeError("at the end")

        return end

    recorder = Recorder()
    ends = [observe(raise_at_begin), observe(raise_at_end), observe(recorder)]
    try:
        with caplog.at_level(logging.ERROR, "service.observing"):
            assert manager.get_service(Mirror).look() == "me"
    finally:
        for end in ends:
            end()

    assert len(recorder.ended) == 1
    assert [record.message for record in caplog.records] == [
        "an observer failed at the begin of mirror.look",
        "an observer failed at the end of a call",
    ]


@pytest.mark.parametrize("own", [0, 1])
def test_attempts_of_every_manager_are_observed_beside_its_own_observers(own: int) -> None:
    seen: list[CallEvent] = []
    owned: list[CallEvent] = []
    made = in_memory(MirrorImpl(), catalog=CATALOG)
    with ServiceManager(
        made.component_registry, made.channel_factory, catalog=CATALOG, observers=[owned.append] * own
    ) as manager:
        mirror = manager.get_service(Mirror)
        end = observe_attempts(seen.append)
        mirror.look()
        end()
        mirror.look()

    assert [event.method for event in seen] == ["Mirror.look"]
    assert len(owned) == 2 * own
