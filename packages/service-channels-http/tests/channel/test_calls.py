"""What is sent for a call, and what arrives at the caller."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted_server import ScriptedServer, serving
from shop_interface import CALLS, CHANNELS, Call, Item, Order, OrderNotFound, Shop, bound, catalog, dispatch, shop_over

from service_channels_http import HTTPXChannel
from service_core import (
    ArgumentException,
    CallContext,
    ErrorCode,
    RemoteServiceException,
    ServiceManager,
    StaticComponentRegistry,
)
from service_core.context import call_context


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with serving(dispatch) as server:
        yield server


@pytest.fixture(params=CHANNELS)
def channel(request: pytest.FixtureRequest, server: ScriptedServer) -> Iterator[HTTPXChannel]:
    server.requests.clear()
    channel = bound(request.param(), server.url)
    yield channel
    channel.close()


@pytest.fixture
def shop(channel: HTTPXChannel) -> Shop:
    return shop_over(channel)


calls = pytest.mark.parametrize("call", CALLS)


@calls
def test_nested_values_arrive_as_what_they_are(shop: Shop, call: Call) -> None:
    order = Order(7, [Item(name="täa", price=0.1)], b"\x00\xff", datetime(2026, 1, 2, tzinfo=UTC))
    assert call(shop, "place", order) == [order]


@calls
def test_keywords_and_defaults_are_sent_in_order(shop: Shop, call: Call) -> None:
    assert call(shop, "place", copies=2, order=Order(1)) == [Order(1), Order(1)]
    assert call(shop, "place", Order(1)) == [Order(1)]


@calls
def test_a_declared_error_arrives_as_its_class_with_its_fields(shop: Shop, call: Call) -> None:
    with pytest.raises(OrderNotFound) as caught:
        call(shop, "find", -5)
    assert caught.value.number == -5


@calls
def test_another_error_arrives_as_remote_with_place_type_and_correlation_id(
    server: ScriptedServer, shop: Shop, call: Call
) -> None:
    with pytest.raises(RemoteServiceException) as caught:
        call(shop, "find", 0)
    error = caught.value
    assert (error.type, error.code, error.correlation_id) == ("RuntimeError", ErrorCode.INTERNAL, "c-1")
    assert f"of component 'shop-component' at {server.url}/invoke failed on the server: RuntimeError" in str(error)
    assert "secret" not in str(error)


@calls
def test_a_wrong_argument_is_refused_before_anything_is_sent(server: ScriptedServer, shop: Shop, call: Call) -> None:
    with pytest.raises(ArgumentException, match="number"):
        call(shop, "find", "many")
    with pytest.raises(TypeError, match="missing a required argument: 'number'"):
        call(shop, "find")
    assert server.requests == []


@calls
def test_the_request_is_a_post_that_names_the_method(server: ScriptedServer, channel: HTTPXChannel, call: Call) -> None:
    call(shop_over(channel), "find", 3)
    request = server.requests[0]
    assert request.path == "/invoke"
    assert request.headers["content-type"] == f"application/{channel.name.removeprefix('dispatch-')}"
    assert request.headers["accept"] == request.headers["content-type"]
    if channel.name == "dispatch-json":
        sent = json.loads(request.body)
        assert sent["args"] == [3]
        assert sent["method"] in ("shop-component:shop:find", "shop-component:shop:find_async")


@calls
def test_an_address_may_have_a_path(server: ScriptedServer, channel: HTTPXChannel, call: Call) -> None:
    bound(channel, f"{server.url}/behind/proxy/")
    call(shop_over(channel), "find", 3)
    assert server.requests[0].path == "/behind/proxy/invoke"


@calls
def test_every_call_has_a_deadline_and_a_correlation_id_of_its_own(
    server: ScriptedServer, shop: Shop, call: Call
) -> None:
    call(shop, "find", 1)
    call(shop, "find", 1)
    first, second = (request.headers for request in server.requests)
    assert 0 < int(first["x-deadline-ms"]) <= 10_000
    assert len({first["x-correlation-id"], second["x-correlation-id"]}) == 2


@calls
def test_the_context_of_an_outer_call_is_handed_on(server: ScriptedServer, shop: Shop, call: Call) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with call_context(CallContext(correlation_id="outer", traceparent=trace, baggage="a=1")):
        call(shop, "find", 1)
    headers = server.requests[0].headers
    assert (headers["x-correlation-id"], headers["traceparent"], headers["baggage"]) == ("outer", trace, "a=1")


@pytest.mark.parametrize("name", ["dispatch-json", "dispatch-msgpack"])
def test_a_service_manager_finds_the_channels_by_their_names(server: ScriptedServer, name: str) -> None:
    registry = StaticComponentRegistry({"shop-component": {name: server.url}})
    with ServiceManager(registry, catalog=catalog) as manager:
        assert manager.get_service(Shop).find(4).number == 4


orders = st.builds(
    Order,
    number=st.integers(),
    items=st.lists(st.builds(Item, name=st.text(), price=st.floats(allow_nan=False, allow_infinity=False))),
    picture=st.binary(),
    placed=st.none() | st.datetimes(timezones=st.just(UTC)),
)


@given(order=orders)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_sent_comes_back_the_same(shop: Shop, order: Order) -> None:
    assert shop.place(order) == [order]
