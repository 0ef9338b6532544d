"""Spans and metrics of calls, at both ends."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.trace import SpanKind, StatusCode

from service_core import (
    Catalog,
    Component,
    ErrorCode,
    Policy,
    RemoteServiceException,
    Service,
    ServiceCommunicationException,
    ServiceManager,
    component,
    idempotent,
    raises,
    service,
)
from service_core.testing import FaultPlan, InMemoryNetwork, ScriptedRegistry, in_memory
from service_otel import ServiceInstrumentor, instrument
from service_otel.calls import _place
from service_otel.conventions import SERVER_ADDRESS, SERVER_PORT

if TYPE_CHECKING:
    from conftest import Telemetry

CATALOG = Catalog()


@dataclass
class NotFound(Exception):
    code = ErrorCode.NOT_FOUND
    number: int


@service(name="orders", catalog=CATALOG)
class Orders(Service):
    @abstractmethod
    @idempotent
    def find(self, number: int) -> str: ...

    @abstractmethod
    @idempotent
    async def find_async(self, number: int) -> str: ...

    @abstractmethod
    @raises(NotFound)
    def miss(self) -> None: ...

    @abstractmethod
    def fail(self) -> None: ...

    @abstractmethod
    def look_around(self) -> dict[str, str | None]: ...


@component(name="shop", services=[Orders], catalog=CATALOG)
class Shop(Component): ...


class OrdersImpl(Orders):
    def find(self, number: int) -> str:
        return f"order {number}"

    async def find_async(self, number: int) -> str:
        return f"order {number}"

    def miss(self) -> None:
        raise NotFound(13)

    def fail(self) -> None:
        raise ValueError("password=hunter2")

    def look_around(self) -> dict[str, str | None]:
        current: Any = trace.get_current_span()
        return {"span": current.name, "baggage": str(baggage.get_baggage("tenant"))}


@pytest.fixture
def faults() -> FaultPlan:
    return FaultPlan()


@pytest.fixture(params=["dispatch-json", "dispatch-msgpack"])
def manager(request: pytest.FixtureRequest, faults: FaultPlan) -> Iterator[ServiceManager]:
    with in_memory(OrdersImpl(), channel=request.param, faults=faults, catalog=CATALOG) as made:
        yield made


def pair(telemetry: Telemetry) -> tuple[Any, Any]:
    """The span of the client and that of the server."""
    server, client = telemetry.spans()
    return client, server


def test_a_call_has_a_span_at_each_end_and_they_are_one_trace(telemetry: Telemetry, manager: ServiceManager) -> None:
    manager.get_service(Orders).find(7)

    client, server = pair(telemetry)
    assert (client.name, client.kind) == (server.name, SpanKind.CLIENT) == ("orders/find", SpanKind.CLIENT)
    assert server.kind is SpanKind.SERVER
    assert server.context.trace_id == client.context.trace_id
    assert server.parent.span_id == client.context.span_id


async def test_async_calls_have_them_too(telemetry: Telemetry, manager: ServiceManager) -> None:
    await manager.get_service(Orders).find_async(7)

    client, server = pair(telemetry)
    assert (client.name, server.parent.span_id) == ("orders/find_async", client.context.span_id)


def test_spans_have_the_attributes_of_the_conventions(telemetry: Telemetry, manager: ServiceManager) -> None:
    manager.get_service(Orders).find(7)

    for span in pair(telemetry):
        assert span.attributes["rpc.system.name"] == "service-core"
        assert span.attributes["rpc.method"] == "orders/find"
        assert span.attributes["rpc.response.status_code"] == "ok"
        assert len(span.attributes["service.correlation_id"]) == 32
    client, server = pair(telemetry)
    assert client.attributes["service.correlation_id"] == server.attributes["service.correlation_id"]
    assert client.attributes["service.channel"].startswith("dispatch-")
    assert client.attributes["service.attempt"] == 1


def test_a_call_made_inside_a_span_is_its_child(telemetry: Telemetry, manager: ServiceManager) -> None:
    with telemetry.tracer_provider.get_tracer("test").start_as_current_span("outer") as outer:
        manager.get_service(Orders).find(7)

    assert telemetry.spans()[1].parent.span_id == outer.get_span_context().span_id


def test_the_implementation_runs_in_the_span_of_the_server_with_the_callers_baggage(
    telemetry: Telemetry, manager: ServiceManager
) -> None:
    token = context.attach(baggage.set_baggage("tenant", "acme"))
    try:
        seen = manager.get_service(Orders).look_around()
    finally:
        context.detach(token)

    assert seen == {"span": "orders/look_around", "baggage": "acme"}


def test_no_span_is_current_after_a_call(telemetry: Telemetry, manager: ServiceManager) -> None:
    manager.get_service(Orders).find(7)

    assert not trace.get_current_span().get_span_context().is_valid


# failures


def test_retries_are_events_of_the_clients_span(
    telemetry: Telemetry, manager: ServiceManager, faults: FaultPlan
) -> None:
    faults.refuse(times=1)

    manager.get_service(Orders).find(7)

    client, _ = pair(telemetry)
    assert [event.name for event in client.events] == ["attempt failed", "retry"]
    assert client.events[0].attributes["error.type"] == "ServiceCommunicationException"
    assert (client.attributes["service.attempt"], client.status.status_code) == (2, StatusCode.UNSET)


def test_a_lost_answer_leaves_two_spans_of_the_server(
    telemetry: Telemetry, manager: ServiceManager, faults: FaultPlan
) -> None:
    faults.lose_answer(times=1)

    manager.get_service(Orders).find(7)

    assert [span.kind for span in telemetry.spans()] == [SpanKind.SERVER, SpanKind.SERVER, SpanKind.CLIENT]


def test_an_ejection_is_an_event(telemetry: Telemetry) -> None:
    network = InMemoryNetwork(catalog=CATALOG)
    urls = [network.start(OrdersImpl()) for _ in range(2)]
    registry = ScriptedRegistry({"shop": {"dispatch-json": urls}})
    network.stop(urls[0])
    policy = Policy(eject_after=1)
    with ServiceManager(registry, network.channel_factory, catalog=CATALOG, policy=policy) as manager:
        for _ in range(100):
            manager.get_service(Orders).find(7)

    events = [event for span in telemetry.spans() for event in span.events]
    assert [event.name for event in events].count("instance ejected") == 1


def test_a_call_without_an_instance_is_unavailable(
    telemetry: Telemetry, manager: ServiceManager, faults: FaultPlan
) -> None:
    faults.refuse()
    with pytest.raises(ServiceCommunicationException):
        manager.get_service(Orders).find(7)

    (client,) = telemetry.spans()
    assert client.attributes["rpc.response.status_code"] == "unavailable"
    assert client.status.status_code is StatusCode.ERROR


def test_a_declared_error_is_an_error_of_the_caller_alone(telemetry: Telemetry, manager: ServiceManager) -> None:
    with pytest.raises(NotFound):
        manager.get_service(Orders).miss()

    client, server = pair(telemetry)
    assert (client.status.status_code, client.status.description) == (StatusCode.ERROR, "NotFound")
    assert server.status.status_code is StatusCode.UNSET
    for span in (client, server):
        assert (span.attributes["rpc.response.status_code"], span.attributes["error.type"]) == ("not_found", "NotFound")


def test_another_error_is_an_error_of_both_and_shows_no_message(telemetry: Telemetry, manager: ServiceManager) -> None:
    with pytest.raises(RemoteServiceException):
        manager.get_service(Orders).fail()

    client, server = pair(telemetry)
    assert [span.status.status_code for span in (client, server)] == [StatusCode.ERROR] * 2
    assert server.attributes["error.type"] == "ValueError"
    assert "hunter2" not in client.to_json() + server.to_json()


# metrics


def test_durations_are_measured_at_both_ends_by_outcome(telemetry: Telemetry, manager: ServiceManager) -> None:
    orders = manager.get_service(Orders)
    orders.find(7)
    with pytest.raises(NotFound):
        orders.miss()

    for name in ("rpc.client.call.duration", "rpc.server.call.duration"):
        points = {point.attributes["rpc.method"]: point for point in telemetry.metric(name)}
        assert points["orders/find"].count == 1
        assert points["orders/find"].explicit_bounds[0] == 0.005
        assert points["orders/miss"].attributes["error.type"] == "NotFound"


def test_calls_in_flight_are_back_to_none(telemetry: Telemetry, manager: ServiceManager) -> None:
    manager.get_service(Orders).find(7)

    for name in ("service.client.calls.in_flight", "service.server.calls.in_flight"):
        assert [point.value for point in telemetry.metric(name)] == [0]


# on and off


def test_to_instrument_twice_records_once(telemetry: Telemetry, manager: ServiceManager) -> None:
    instrument()

    manager.get_service(Orders).find(7)

    assert len(telemetry.spans()) == 2


def test_after_the_end_nothing_is_recorded(telemetry: Telemetry, manager: ServiceManager) -> None:
    ServiceInstrumentor().uninstrument()

    manager.get_service(Orders).find(7)

    assert telemetry.spans() == []


def test_without_it_the_trace_of_the_program_goes_along(telemetry: Telemetry, manager: ServiceManager) -> None:
    ServiceInstrumentor().uninstrument()
    tracer = telemetry.tracer_provider.get_tracer("test")
    seen: list[Any] = []

    class Tracing(OrdersImpl):
        def find(self, number: int) -> str:
            with tracer.start_as_current_span("inside") as span:
                seen.append(span)
            return ""

    with (
        in_memory(Tracing(), catalog=CATALOG) as other,
        tracer.start_as_current_span("outside") as outside,
    ):
        other.get_service(Orders).find(7)

    assert seen[0].parent.span_id == outside.get_span_context().span_id


def test_the_entry_point_is_what_opentelemetry_instrument_looks_for() -> None:
    from importlib.metadata import entry_points

    (found,) = entry_points(group="opentelemetry_instrumentor", name="service-core")
    assert found.load() is ServiceInstrumentor


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://10.0.0.7:8000/secret", {SERVER_ADDRESS: "10.0.0.7", SERVER_PORT: 8000}),
        ("http+unix://%2Frun%2Fa.sock/secret", {SERVER_ADDRESS: "/run/a.sock"}),
        ("http+unix:///run/a.sock", {}),
        ("http://[::1", {}),
    ],
)
def test_the_place_of_an_instance_is_its_host_and_port_or_its_socket(url: str, place: dict[str, Any]) -> None:
    assert _place(url) == place
