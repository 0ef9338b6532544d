"""The mistakes that users of ``serve`` and ``connect`` make first, and the message that each gives."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Annotated, Any, cast
from unittest.mock import MagicMock, create_autospec

import pytest
from fastapi import Depends, HTTPException, Query

from service_channels_http import HTTPSettings, connect
from service_core import (
    DeclarationException,
    DependencyException,
    LocalServiceException,
    RemoteServiceException,
    Service,
    ServiceException,
    ServiceManager,
    StaticComponentRegistry,
    TokenVerifier,
    component,
    health,
    inject_service,
    raises,
    service,
)
from service_core.di import module
from service_core.rest import get
from service_core.testing import in_memory
from service_registry_consul import ConsulComponentRegistry, ConsulSettings
from service_server_fastapi import FastAPIServer, ServerSettings, serve


@service(name="mistaken-greeter")
class Greeter(Service):
    @abstractmethod
    def greet(self, name: str, *, times: int = 1) -> list[str]: ...


class GreeterImpl(Greeter):
    def greet(self, name: str, *, times: int = 1) -> list[str]:
        return [f"hello {name}"] * times


class Undecorated(Service):
    @abstractmethod
    def greet(self, name: str) -> str: ...


class UndecoratedImpl(Undecorated):
    def greet(self, name: str) -> str:
        return name


class Renamed(Greeter):
    def greet(self, nam: str) -> list[str]:  # type: ignore[override]
        return [nam]


class Async(Greeter):
    async def greet(self, name: str, *, times: int = 1) -> list[str]:  # type: ignore[override]
        return [name] * times


class Generator(Greeter):
    def greet(self, name: str, *, times: int = 1) -> Iterator[str]:  # type: ignore[override]
        yield name


class NoVerifier:
    def __repr__(self) -> str:
        return "<NoVerifier>"

    def verify(self, token: str) -> str:
        return token


class Broken(TokenVerifier):
    async def verify(self, token: str) -> str:
        raise LookupError(token)


class Routed(Greeter):
    @get("/greet")
    def greet(self, name: str, *, times: int = 1) -> list[str]:
        return [name] * times


class Batches(Service):
    @abstractmethod
    def load(self, batches: list[AsyncIterator[int]]) -> int: ...


class BatchesImpl(Batches):
    def load(self, batches: list[AsyncIterator[int]]) -> int:
        return len(batches)


class Wrong(Greeter):
    def greet(self, name: str, *, times: int = 1) -> list[str]:
        return cast(list[str], [1])


class OtherHints(Greeter):
    def greet(self, name: bytes, *, times: bool = True) -> tuple[str]:  # type: ignore[override]
        return ("hello",)


@service
class Later(Service):
    @abstractmethod
    async def go(self, to: str = "") -> str: ...


class Unawaited(Later):
    def __init__(self) -> None:
        self.results: list[Coroutine[Any, Any, str]] = []

    async def go(self, to: str = "") -> str:
        self.results.append(asyncio.sleep(0, "done"))
        return cast(str, self.results[-1])


class NotFound(Later):
    async def go(self, to: str = "") -> str:
        raise HTTPException(404)


class Depending(Service):
    @abstractmethod
    def go(self, store: Annotated[int, Depends(int)] = 0) -> str: ...


class DependingImpl(Depending):
    def go(self, store: int = 0) -> str:
        return str(store)


class Queried(Service):
    @abstractmethod
    def go(self, name: str = Query(max_length=3)) -> str: ...


@module()
class Empty: ...


def untyped(value: object) -> Any:
    return value


URL = "http://127.0.0.1:9"

MISTAKES: dict[str, tuple[Callable[[], object], str]] = {
    "a class to serve": (
        lambda: serve(GreeterImpl),
        "serve(): GreeterImpl is a class; pass an object of it: GreeterImpl()",
    ),
    "an interface to serve": (
        lambda: serve(Greeter),
        "serve(): Greeter is an interface; pass an object of a class that implements it",
    ),
    "a mock to serve": (
        lambda: serve(MagicMock(spec=Greeter)),
        "serve(): a MagicMock that imitates Greeter has no methods to check; pass an object of a class that derives "
        "from Greeter",
    ),
    "an object without an interface": (
        lambda: serve(object()),
        "serve(): object implements nothing: none of its base classes is decorated with @service() or @component()",
    ),
    "an interface without @service": (
        lambda: serve(UndecoratedImpl()),
        "serve(): UndecoratedImpl implements nothing: none of its base classes is decorated with @service() or "
        "@component(); decorate Undecorated with @service()",
    ),
    "nothing to serve": (serve, "serve() got no implementation; write serve(GreeterImpl())"),
    "two objects of one interface": (
        lambda: serve(GreeterImpl(), GreeterImpl()),
        "serve() got two objects that implement Greeter; pass one",
    ),
    "another parameter": (
        lambda: serve(Renamed()),
        "serve(): Renamed.greet: its parameters are not those of Greeter; write '(self, name, *, times=1)'",
    ),
    "async def for def": (
        lambda: serve(Async()),
        "serve(): Async.greet: Greeter declares it with 'def', so write 'def greet' here too",
    ),
    "yield for a list": (
        lambda: serve(Generator(), port=0).__enter__(),
        "Generator.greet yields, but the result of Greeter.greet is no stream; return the result, or declare it as an "
        "Iterator",
    ),
    "wait without a block": (
        lambda: serve(GreeterImpl(), port=0).wait(),
        "the server is not started; write 'with serve(...) as server: server.wait()'",
    ),
    "a sync verifier": (
        lambda: serve(GreeterImpl(), port=0, verifier=untyped(NoVerifier())).__enter__(),
        "<NoVerifier> is no token verifier; pass an object with 'async def verify(self, token: str)' that returns the "
        "principal of the token",
    ),
    "the class of the implementation in memory": (
        lambda: in_memory(GreeterImpl),
        "GreeterImpl is a class; pass an object of it: GreeterImpl()",
    ),
    "a mock in memory": (
        lambda: in_memory(create_autospec(Greeter, instance=True)),
        "a NonCallableMagicMock that imitates Greeter has no methods to check; pass an object of a class that derives "
        "from Greeter",
    ),
    "the address first": (
        lambda: connect(cast(type[Greeter], URL), untyped(Greeter)),
        "connect() got 'http://127.0.0.1:9' first; write the interface first: connect(Greeter, "
        "'http://127.0.0.1:8000')",
    ),
    "an implementation to connect to": (
        lambda: connect(GreeterImpl, URL),
        f"{__name__}.GreeterImpl implements a service interface; write Greeter",
    ),
    "no address": (
        lambda: connect(Greeter),
        "connect() got no address of component 'mistaken-greeter'; write connect(Greeter, 'http://127.0.0.1:8000'), or "
        "pass a registry",
    ),
    "an address without a scheme": (
        lambda: connect(Greeter, "127.0.0.1:8000"),
        "connect() got the address '127.0.0.1:8000' without a scheme; write 'http://127.0.0.1:8000'",
    ),
    "a path without a scheme": (
        lambda: connect(Greeter, "/run/greeter.sock"),
        "connect() got the address '/run/greeter.sock' without a scheme; write unix_url('/run/greeter.sock')",
    ),
    "a number as token": (
        lambda: connect(Greeter, URL, token=untyped(42)),
        "connect(token=...) takes a string or a function, not int",
    ),
    "a token with its scheme": (
        lambda: connect(Greeter, URL, token="Bearer t"),
        "connect(token=...) takes the token without 'Bearer ', which is added",
    ),
    "an empty token": (
        lambda: connect(Greeter, URL, token=""),
        "connect(token=...): the token is empty; check the variable or file that it is read from",
    ),
    "a token with its line end": (
        lambda: connect(Greeter, URL, token="t\n"),
        "connect(token=...): the token has blanks or line ends at its ends; pass token.strip()",
    ),
    "a number as policy": (
        lambda: connect(Greeter, URL, policy=untyped(5)),
        "policy=... takes a Policy, such as Policy(timeout=5), not 5",
    ),
    "an object of a module": (
        lambda: FastAPIServer().boot(untyped(Empty())),
        "an object of Empty is not a module; pass the class: Empty",
    ),
    "an argument that FastAPI would resolve": (
        lambda: (service(Depending), serve(DependingImpl(), port=0).__enter__()),
        "Depending.go: parameter 'store': Depends(...) of FastAPI has no effect in an interface; callers give all "
        "arguments, so remove the parameter and let the implementation take the object in its constructor",
    ),
    "a parameter as FastAPI declares it": (
        lambda: service(Queried),
        "Queried.go: parameter 'name': Query(...) of FastAPI has no effect in an interface; use QueryParam(), "
        "PathParam(), Header() or Body() of service_core.rest, and pydantic.Field(...) for limits",
    ),
    "the path of calls in an address": (
        lambda: connect(Greeter, f"{URL}/invoke"),
        "connect() got 'http://127.0.0.1:9/invoke'; write the address without '/invoke', which is added",
    ),
    "a port by place": (
        lambda: serve(GreeterImpl(), 8000),
        "serve() got 8000 as an object; write port=8000",
    ),
    "a verifier's class": (
        lambda: serve(GreeterImpl(), verifier=untyped(Broken)),
        "serve(verifier=...) takes an object; pass Broken()",
    ),
    "an address as registry": (
        lambda: serve(GreeterImpl(), registry=untyped("consul")),
        "serve(registry=...) takes a ComponentRegistry, not 'consul'",
    ),
    "an address as registry of a manager": (
        lambda: ServiceManager(untyped(URL)),
        f"ServiceManager() takes a registry, such as StaticComponentRegistry(...), not '{URL}'",
    ),
    "an address of a registry without a scheme": (
        lambda: StaticComponentRegistry({"shop": {"dispatch-json": "127.0.0.1:80"}}),
        "component 'shop', channel 'dispatch-json': write 'http://127.0.0.1:80', with a scheme",
    ),
    "settings by place": (
        lambda: FastAPIServer(untyped(ServerSettings())),
        "FastAPIServer() got settings by place; write FastAPIServer(settings=...)",
    ),
    "settings as a dictionary": (
        lambda: FastAPIServer(settings=untyped({"port": 1})),
        "settings=... takes ServerSettings(...), not a dict",
    ),
    "one service in place of a list": (
        lambda: component(services=untyped(Greeter)),
        "@component(services=Greeter): write services=[Greeter]",
    ),
    "@health without a path": (
        lambda: health(untyped(GreeterImpl)),
        "@health needs the path of the endpoint; write @health('/health')",
    ),
    "a type for @inject_service": (
        lambda: inject_service(untyped(Greeter)),
        "@inject_service(Greeter): it takes no type; write '@inject_service()' on a method with a parameter of that "
        "type",
    ),
    "@inject_service on __init__": (
        lambda: inject_service(GreeterImpl.__init__),
        "@inject_service() on object.__init__: the object is made by then; decorate another method, which the "
        "container calls afterwards",
    ),
    "a route on an implementation": (
        lambda: serve(Routed()),
        "serve(): Routed.greet: a route such as @get is for callers to know, so write it in Greeter",
    ),
    "a stream inside a list": (
        lambda: (service(Batches), serve(BatchesImpl(), port=0).__enter__()),
        "Batches.load: parameter 'batches': AsyncIterator is a part of another type; a stream is a parameter or a "
        "result by itself, so write list[...] for what comes as a whole",
    ),
    "an address of another machine": (
        lambda: serve(GreeterImpl(), host="203.0.113.1", port=0).__enter__(),
        "cannot listen on 203.0.113.1:0: Cannot assign requested address; no interface of this machine has this "
        "address, use one that has or 0.0.0.0 for all",
    ),
    "@raises without parentheses": (
        lambda: raises(untyped(GreeterImpl.greet)),
        "@raises on GreeterImpl.greet: name the exception classes, '@raises(NotFound)'",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_its_remedy(mistake: str) -> None:
    make, message = MISTAKES[mistake]
    with pytest.raises((DeclarationException, DependencyException, LocalServiceException)) as caught:
        make()
    assert str(caught.value) == message


def test_a_service_is_called_through_its_connection() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'greet'; call the service: .*connection\.service\.greet"):
        untyped(connect(Greeter, URL)).greet("ann")


@service
class Tokens(Service):
    @abstractmethod
    def sync(self) -> None: ...
    @abstractmethod
    async def later(self) -> None: ...


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("token", "message"),
    [
        (
            None,
            "the channel's token_provider returned None; return the token as a string. Outside of a served call, "
            "current_context().token is None",
        ),
        (b"t", "the channel's token_provider returned bytes; return the token as a string"),
        ("", "the token of the channel's token_provider is empty; check the variable or file that it is read from"),
        ("t\n", "the token of the channel's token_provider has blanks or line ends at its ends; pass token.strip()"),
    ],
)
def test_what_a_token_provider_returns_is_checked(token: Any, message: str, is_async: bool) -> None:
    with (
        connect(Tokens, URL, token=lambda: untyped(token)) as tokens,
        pytest.raises(LocalServiceException) as caught,
    ):
        asyncio.run(untyped(tokens.later())) if is_async else tokens.sync()
    assert message in str(caught.value)


def test_a_wrong_result_is_named() -> None:
    with (
        serve(Wrong(), port=0) as server,
        connect(Greeter, server.url) as greeter,
        pytest.raises(
            RemoteServiceException, match=r"failed on the server: ResultException: Greeter\.greet: result"
        ) as caught,
    ):
        greeter.greet("ann")
    assert caught.value.type == "ResultException"


def test_a_result_that_was_not_awaited_is_named() -> None:
    implementation = Unawaited()
    with (
        serve(implementation, port=0) as server,
        connect(Later, server.url) as later,
        pytest.raises(RemoteServiceException) as caught,
    ):
        asyncio.run(later.go())
    implementation.results[0].close()
    assert "Later.go: result: it is a coroutine; write 'await' before the call that returned it" in str(caught.value)


def test_an_exception_of_fastapi_is_logged_with_its_remedy(caplog: pytest.LogCaptureFixture) -> None:
    with (
        serve(NotFound(), port=0) as server,
        connect(Later, server.url) as later,
        pytest.raises(RemoteServiceException),
    ):
        asyncio.run(later.go())
    assert (
        "declare an error with @raises in place of HTTPException, whose status the caller does not get" in caplog.text
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: untyped(ServerSettings)(drain_timout=3), "no setting 'drain_timout'; did you mean drain_timeout?"),
        (lambda: untyped(ConsulSettings)(chek="ttl"), "no setting 'chek'; did you mean check?"),
        (lambda: ConsulComponentRegistry(0, chek="ttl"), "no setting 'chek'; did you mean check?"),
        (lambda: untyped(HTTPSettings)(ca_fiel="ca.pem"), "no setting 'ca_fiel'; did you mean ca_file?"),
        (lambda: untyped(ServerSettings)(zzz=1), "no setting 'zzz'; the settings are allowed_hosts, "),
    ],
)
def test_a_misspelt_setting_in_code_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        make()
    assert message in str(caught.value)


def test_types_that_differ_from_those_of_the_interface_are_named(caplog: pytest.LogCaptureFixture) -> None:
    with serve(OtherHints(), port=0):
        pass
    warnings = [record.getMessage() for record in caplog.records if "is of type" in record.getMessage()]
    assert warnings == [
        "OtherHints.greet: parameter 'name' is of type bytes here, but of type str in Greeter.greet, which values are "
        "validated by; write that type here too"
    ]


@pytest.mark.parametrize(
    ("variables", "code", "expected"),
    [
        ({}, {}, ("127.0.0.1", 8000)),
        ({"HOST": "0.0.0.0", "PORT": "8123"}, {}, ("0.0.0.0", 8123)),
        ({"HOST": "0.0.0.0", "PORT": "8123"}, {"host": "::1", "port": 0}, ("::1", 0)),
        ({"PORT": "8123"}, {"settings": ServerSettings(port=8124)}, ("127.0.0.1", 8124)),
    ],
)
def test_serve_listens_where_code_or_else_variables_say(
    variables: dict[str, str], code: dict[str, Any], expected: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"SERVICE_SERVER_{name}", value)
    settings = serve(GreeterImpl(), **code).settings
    assert (settings.host, settings.port) == expected


def test_a_misspelt_variable_of_channels_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SERVICE_HTTP_CA_FIEL", "ca.pem")
    with connect(Greeter, URL) as greeter, pytest.raises(ServiceException, match="check that a server runs at this"):
        greeter.greet("ann")
    assert "did you mean SERVICE_HTTP_CA_FILE?" in caplog.text


def test_a_variable_that_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_SERVER_PORT", "many")
    with pytest.raises(ValueError, match=r"environment variables SERVICE_SERVER_<NAME>\)\nport\n") as caught:
        serve(GreeterImpl(), uds="/tmp/mistaken.sock")
    assert "many" not in str(caught.value)


def test_a_verifier_that_fails_is_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with (
        serve(GreeterImpl(), port=0, verifier=Broken()) as server,
        connect(Greeter, server.url, token="t") as greeter,
        pytest.raises(RemoteServiceException),
    ):
        greeter.greet("ann")
    assert "the token verifier raised LookupError" in caplog.text


def test_a_request_that_is_too_large_names_the_setting() -> None:
    with (
        serve(GreeterImpl(), port=0, settings=ServerSettings(max_body_bytes=1000)) as server,
        connect(Greeter, server.url) as greeter,
        pytest.raises(ServiceException, match=r"larger than 1000 bytes.*SERVICE_SERVER_MAX_BODY_BYTES") as caught,
    ):
        greeter.greet("x" * 2000)
    assert not caught.value.may_have_run
