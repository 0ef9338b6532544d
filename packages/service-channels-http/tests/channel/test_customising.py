"""Clients that users make: by a subclass, or by advice on a channel that a container makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import httpx
import pytest
from scripted_server import Received, ScriptedServer, serving
from shop_interface import CALLS, Call, Shop, bound, catalog, dispatch, shop_over

from service_channels_http import DispatchJSONChannel, HTTPXChannel
from service_core import (
    Channel,
    ChannelFactory,
    DeadlineExceeded,
    LocalServiceException,
    Policy,
    ProtocolException,
    ServiceManager,
    StaticComponentRegistry,
)
from service_core.aop import Invocation, advice, around, methods
from service_core.di import Environment, create, module


class InterceptingClient(httpx.Client):
    """Adds a token to every request."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.token_provider: Callable[[], str] = lambda: "t-1"
        super().__init__(*args, **kwargs)

    def request(self, method: str, url: Any, *args: Any, **kwargs: Any) -> httpx.Response:
        headers = dict(kwargs.pop("headers", {}))
        headers["Authorization"] = f"Bearer {self.token_provider()}"
        kwargs["headers"] = headers
        return super().request(method, url, *args, **kwargs)


class InterceptingAsyncClient(httpx.AsyncClient):
    """Adds a token to every request."""

    async def request(self, method: str, url: Any, *args: Any, **kwargs: Any) -> httpx.Response:
        kwargs["headers"] = {**kwargs.pop("headers", {}), "Authorization": "Bearer t-1"}
        return await super().request(method, url, *args, **kwargs)


class TokenChannel(DispatchJSONChannel):
    """A channel with clients of the user's."""

    def make_client(self) -> httpx.Client:
        return InterceptingClient()

    def make_async_client(self) -> httpx.AsyncClient:
        return InterceptingAsyncClient(limits=self.limits)


calls = pytest.mark.parametrize("call", CALLS)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with serving(dispatch) as server:
        yield server


@calls
def test_a_users_client_sees_every_request(server: ScriptedServer, call: Call) -> None:
    channel = bound(TokenChannel(), server.url)
    assert call(shop_over(channel), "find", 1).number == 1
    channel.close()
    headers = server.requests[0].headers
    assert headers["authorization"] == "Bearer t-1"
    assert headers["content-type"] == "application/json"
    assert "x-deadline-ms" in headers


@calls
def test_a_token_goes_to_no_other_channel(server: ScriptedServer, call: Call) -> None:
    with_token, without = bound(TokenChannel(), server.url), bound(DispatchJSONChannel(), server.url)
    for channel in (with_token, without):
        call(shop_over(channel), "find", 1)
        channel.close()
    assert ["authorization" in request.headers for request in server.requests] == [True, False]


@calls
def test_the_limits_of_the_channel_hold_for_a_users_client(call: Call) -> None:
    def large(request: Received) -> None:
        request.answer(200, b"x" * 100, "application/json")

    with serving(large) as server:
        channel = bound(TokenChannel(), server.url)
        channel.max_response_bytes = 50
        with pytest.raises(ProtocolException, match="larger than 50 bytes"):
            call(shop_over(channel), "find", 1)
        channel.close()


@calls
def test_the_deadline_holds_for_a_users_client(call: Call) -> None:
    with serving(Received.wait_until_left) as server:
        channel = bound(TokenChannel(), server.url)
        channel.policy = Policy(timeout=0.3)
        with pytest.raises(DeadlineExceeded):
            call(shop_over(channel), "find", 1)
        channel.close()


@calls
def test_an_error_of_a_users_client_reaches_the_caller_and_ends_the_attempt(server: ScriptedServer, call: Call) -> None:
    class NoToken(Exception):
        pass

    def fail() -> str:
        raise NoToken

    class FailingClient(InterceptingClient):
        def request(self, *args: Any, **kwargs: Any) -> httpx.Response:
            fail()
            return super().request(*args, **kwargs)

    class FailingAsyncClient(InterceptingAsyncClient):
        async def request(self, *args: Any, **kwargs: Any) -> httpx.Response:
            fail()
            return await super().request(*args, **kwargs)

    class FailingChannel(DispatchJSONChannel):
        def make_client(self) -> httpx.Client:
            return FailingClient()

        def make_async_client(self) -> httpx.AsyncClient:
            return FailingAsyncClient()

    channel = bound(FailingChannel(), server.url)
    with pytest.raises(NoToken):
        call(shop_over(channel), "find", 1)
    channel.close()
    assert [endpoint.in_flight for endpoint in channel.balancer.endpoints] == [0]


@calls
def test_what_is_no_client_is_refused(server: ScriptedServer, call: Call) -> None:
    class WrongChannel(DispatchJSONChannel):
        def make_client(self) -> httpx.Client:
            return cast(httpx.Client, None)

        def make_async_client(self) -> httpx.AsyncClient:
            return cast(httpx.AsyncClient, httpx.Client)

    channel = bound(WrongChannel(), server.url)
    with pytest.raises(LocalServiceException, match=r"WrongChannel.make_(async_)?client\(\) must return a httpx\."):
        call(shop_over(channel), "find", 1)


@calls
def test_event_hooks_and_auth_of_httpx_work(server: ScriptedServer, call: Call) -> None:
    seen: list[int] = []

    def see(response: httpx.Response) -> None:
        seen.append(response.status_code)

    async def see_async(response: httpx.Response) -> None:
        seen.append(response.status_code)

    class HookedChannel(DispatchJSONChannel):
        def make_client(self) -> httpx.Client:
            return httpx.Client(auth=("user", "password"), event_hooks={"response": [see]})

        def make_async_client(self) -> httpx.AsyncClient:
            return httpx.AsyncClient(auth=("user", "password"), event_hooks={"response": [see_async]})

    channel = bound(HookedChannel(), server.url)
    call(shop_over(channel), "find", 1)
    channel.close()
    assert seen == [200]
    assert server.requests[0].headers["authorization"].startswith("Basic ")


customized: list[Channel] = []


@advice
class ChannelAdvice:
    """The advice of the original's documentation."""

    def __init__(self) -> None:
        pass

    @around(methods().named("make_client").of_type(HTTPXChannel))
    def make_client(self, invocation: Invocation) -> httpx.Client:
        return InterceptingClient()

    @around(methods().named("make_async_client").of_type(HTTPXChannel))
    def make_async_client(self, invocation: Invocation) -> httpx.AsyncClient:
        return InterceptingAsyncClient()

    @around(methods().named("customize").of_type(Channel))
    def customize_channel(self, invocation: Invocation) -> Any:
        channel = cast(Channel, invocation.args[0])
        channel.select_round_robin()
        customized.append(channel)
        return invocation.proceed()


@module()
class Module:
    """Lets a container make the channels."""

    def __init__(self) -> None:
        pass

    @create()
    def create_channels(self, environment: Environment) -> ChannelFactory:
        return ChannelFactory(create=environment.create, catalog=catalog)


@calls
def test_advice_replaces_clients_and_customizes(server: ScriptedServer, call: Call) -> None:
    customized.clear()
    registry = StaticComponentRegistry({"shop-component": {"dispatch-json": server.url}})
    with (
        Environment(Module) as environment,
        ServiceManager(registry, environment.get(ChannelFactory), catalog=catalog) as manager,
    ):
        assert call(manager.get_service(Shop), "find", 1).number == 1
        assert [channel.name for channel in customized] == ["dispatch-json"]
    assert server.requests[0].headers["authorization"] == "Bearer t-1"


@calls
@pytest.mark.parametrize("value", ["secret\n", " secret", "\u010a"])
def test_a_header_that_cannot_be_sent_is_the_callers_fault(server: ScriptedServer, value: str, call: Call) -> None:
    channel = bound(TokenChannel(), server.url)
    channel.headers = {"baggage": value}
    with pytest.raises(LocalServiceException, match="the value of header 'baggage' cannot be sent") as caught:
        call(shop_over(channel), "find", 1)
    channel.close()
    shown = [str(error) for error in (caught.value, caught.value.__cause__, caught.value.__context__) if error]
    assert not any("secret" in text for text in shown)
    assert server.requests == []
