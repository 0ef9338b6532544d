"""An own channel, advice on channels, and an intercepting client."""

from collections.abc import Callable
from typing import Any, cast

import httpx

from service_channels_http import HTTPXChannel
from service_core import Channel, DynamicProxy, channel
from service_core.aop import Invocation, advice, around, methods
from tests.seed import log


class InterceptingClient(httpx.Client):
    # constructor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.token_provider: Callable[[], str] = lambda: "secret"
        super().__init__(*args, **kwargs)

    # override

    def request(self, method: str, url: Any, *args: Any, **kwargs: Any) -> httpx.Response:
        headers = kwargs.pop("headers", {})
        headers["Authorization"] = f"Bearer {self.token_provider()}"
        kwargs["headers"] = headers

        log.intercepted.append(headers["Authorization"])
        return super().request(method, url, *args, **kwargs)


@advice
class ChannelAdvice:
    def __init__(self) -> None:
        pass

    @around(methods().named("customize").of_type(Channel))
    def customize_channel(self, invocation: Invocation) -> Any:
        channel = cast(Channel, invocation.args[0])

        channel.select_round_robin()  # or select_first_url()
        log.customized.append(channel.name)

        return invocation.proceed()

    @around(methods().named("make_client").of_type(HTTPXChannel))
    def make_client(self, invocation: Invocation) -> Any:
        return InterceptingClient()


@channel("fancy")
class FancyChannel(Channel):
    # constructor

    def __init__(self) -> None:
        super().__init__()

    # override

    def invoke(self, invocation: DynamicProxy.Invocation) -> Any:
        return f"fancy {invocation.method.__name__}{invocation.args} at {self.get_url()}"

    async def invoke_async(self, invocation: DynamicProxy.Invocation) -> Any:
        return self.invoke(invocation)
