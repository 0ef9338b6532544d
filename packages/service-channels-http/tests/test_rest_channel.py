"""The rest channel and servers of others, which an interface describes."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field
from scripted_server import Received, Script, serving
from shop_interface import HTTPXRestChannel

from service_channels_http import RestChannel
from service_core import (
    ArgumentException,
    Catalog,
    ChannelInstances,
    Component,
    ContractMismatchException,
    DeclarationException,
    DynamicProxy,
    ErrorCode,
    LocalServiceException,
    ProtocolException,
    RemoteServiceException,
    Service,
    bearer_token,
    component,
    service,
)
from service_core.rest import Body, Header, QueryParam, delete, get, patch, post, put, rest

catalog = Catalog()
JSON = "application/json"


class Repository(BaseModel):
    full_name: str
    stars: int = Field(alias="stargazers_count")
    pushed_at: datetime


class NewIssue(BaseModel):
    title: str
    labels: list[str] = []


@service(catalog=catalog)
@rest("/v3")
class Forge(Service):
    """A service of the internet."""

    @abstractmethod
    @get("/repos/{owner}/{name}")
    def repository(self, owner: str, name: str) -> Repository: ...

    @abstractmethod
    @get("/repos/{owner}/{name}/later")
    async def repository_async(self, owner: str, name: str) -> Repository: ...

    @abstractmethod
    @get("/search")
    def search(
        self, text: Annotated[str, QueryParam(name="q")], per_page: Annotated[int, QueryParam(name="per-page")] = 30
    ) -> list[Repository]: ...

    @abstractmethod
    @post("/issues")
    def open_issue(self, issue: NewIssue, key: Annotated[str, Header(name="Idempotency-Key")]) -> int: ...

    @abstractmethod
    @put("/stars/{name}")
    def star(self, name: str) -> None: ...

    @abstractmethod
    @patch("/issues/{number}")
    def retitle(self, number: int, title: Annotated[str, Body()]) -> str: ...

    @abstractmethod
    @delete("/stars")
    def unstar(self, names: Annotated[list[str], Body()]) -> None: ...

    @abstractmethod
    @get("/raw")
    def raw(self, media_type: Annotated[str, Header(name="Accept")]) -> str: ...

    @abstractmethod
    def undescribed(self) -> None: ...


@component(services=[Forge], catalog=catalog)
class ForgeComponent(Component): ...


FORGE = catalog.component(ForgeComponent)
REPOSITORY = b'{"full_name":"a/b","stargazers_count":3,"pushed_at":"2026-01-02T03:04:05Z","private":false}'


def answer(status: int = 200, body: bytes = b"", content_type: str = JSON, **headers: str) -> Script:
    return lambda request: request.answer(status, body, content_type, **headers)


def forge_at(url: str, channel: RestChannel) -> Forge:
    channel.setup(FORGE, ChannelInstances(FORGE.name, channel.name, (url,)))
    channel.customize()
    return DynamicProxy.create(Forge, channel, catalog=catalog)


@pytest.fixture(params=[RestChannel, HTTPXRestChannel])
def ask(request: pytest.FixtureRequest) -> Callable[..., tuple[Any, Received]]:
    """Calls a method of a forge that answers by a script; gives the result and the request."""

    def ask(script: Script, method: str, *args: Any, path: str = "", **kwargs: Any) -> tuple[Any, Received]:
        with serving(script) as server, closing(request.param()) as channel:
            result = getattr(forge_at(server.url + path, channel), method)(*args, **kwargs)
            if asyncio.iscoroutine(result):
                result = asyncio.run(result)
            return result, server.requests[-1]

    return ask


Ask = Callable[..., tuple[Any, Received]]


def test_an_answer_of_another_server_is_read_as_the_interface_says(ask: Ask) -> None:
    result, request = ask(answer(body=REPOSITORY), "repository", "a", "b c")
    assert (result.full_name, result.stars, result.pushed_at.year) == ("a/b", 3, 2026)
    assert (request.method, request.path, request.body) == ("GET", "/v3/repos/a/b%20c", b"")
    assert "content-type" not in request.headers


def test_async_methods_ask_the_same(ask: Ask) -> None:
    result, request = ask(answer(body=REPOSITORY), "repository_async", "a", "b")
    assert result.full_name == "a/b"
    assert request.path == "/v3/repos/a/b/later"


def test_names_of_parameters_are_those_of_the_server(ask: Ask) -> None:
    result, request = ask(answer(body=b"[]"), "search", "a&b", per_page=5)
    assert result == []
    assert request.path == "/v3/search?q=a%26b&per-page=5"


def test_a_body_travels_as_json_with_every_verb(ask: Ask) -> None:
    _, post = ask(answer(201, b"7"), "open_issue", NewIssue(title="a"), key="k-1")
    assert (post.method, post.headers["content-type"], post.body) == ("POST", JSON, b'{"title":"a","labels":[]}')
    assert post.headers["idempotency-key"] == "k-1"
    _, patch = ask(answer(body=b'"b"'), "retitle", 7, "b")
    assert (patch.method, patch.path, patch.body) == ("PATCH", "/v3/issues/7", b'"b"')
    _, delete = ask(answer(204), "unstar", ["a"])
    assert (delete.method, delete.body) == ("DELETE", b'["a"]')
    _, put = ask(answer(204), "star", "a")
    assert (put.method, put.headers["content-length"], put.body) == ("PUT", "0", b"")


def test_the_path_of_an_address_is_kept(ask: Ask) -> None:
    _, request = ask(answer(body=b"[]"), "search", "a", path="/behind/proxy/")
    assert request.path == "/behind/proxy/v3/search?q=a"


def test_the_accepted_types_are_sent(ask: Ask) -> None:
    _, request = ask(answer(204), "star", "a")
    assert request.headers["accept"] == "application/json, application/problem+json, text/plain;q=0.5"
    assert request.headers["accept-encoding"] == "identity"
    assert 0 < int(request.headers["x-deadline-ms"]) <= 10_000
    assert len(request.headers["x-correlation-id"]) == 32


def test_a_parameter_may_say_what_is_accepted(ask: Ask) -> None:
    _, request = ask(answer(body=b'"a"'), "raw", "application/vnd.forge.raw+json")
    assert request.headers["accept"] == "application/vnd.forge.raw+json"


@pytest.mark.parametrize(
    ("content_type", "body", "method", "result"),
    [
        ("application/vnd.forge.v3+json; charset=utf-8", b'"b"', "retitle", "b"),
        ("text/plain; charset=utf-8", "über".encode(), "retitle", "über"),
    ],
)
def test_other_types_than_json_are_read_where_they_are_meant(
    ask: Ask, content_type: str, body: bytes, method: str, result: str
) -> None:
    assert ask(answer(200, body, content_type), method, 7, "b")[0] == result


@pytest.mark.parametrize(
    "script",
    [
        answer(204),
        answer(200, b"null"),
        answer(200, b'{"starred": true}'),
        answer(202, b"accepted", "text/plain"),
        answer(200, b"", "text/html"),
    ],
)
def test_no_result_comes_in_many_forms(ask: Ask, script: Script) -> None:
    assert ask(script, "star", "a")[0] is None


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (answer(200, b"<html>", "text/html"), "answered with content type 'text/html'"),
        (answer(200, REPOSITORY[:-1]), "the answer cannot be read: not valid JSON"),
        (answer(204), "the answer cannot be read: the answer is empty"),
        (answer(304), "answered with HTTP 304, which is neither a result nor an error"),
    ],
)
def test_an_answer_of_another_form_is_quoted(ask: Ask, script: Script, reason: str) -> None:
    with pytest.raises(ProtocolException, match=reason) as caught:
        ask(script, "repository", "a", "b")
    assert caught.value.details["status"] in (200, 204, 304)
    assert caught.value.details["start"].startswith("b'")
    assert caught.value.may_have_run


def test_an_answer_that_does_not_fit_names_place_type_and_signature(ask: Ask) -> None:
    with pytest.raises(ContractMismatchException) as caught:
        ask(answer(200, b'{"full_name": 1}'), "repository", "a", "b")
    reported = caught.value.message.partition("the method has run and its answer does not fit: ")[2]
    assert reported.startswith("result.full_name: Input should be a valid string; it is 1; the caller has 'repository(")
    assert "proxy" not in caught.value.message
    assert caught.value.may_have_run


def test_a_page_is_no_answer_of_a_method_without_a_result_either(ask: Ask) -> None:
    with pytest.raises(ProtocolException, match="answered with content type 'text/html'"):
        ask(answer(200, b"<html>", "text/html"), "star", "a")


@pytest.mark.parametrize(
    ("status", "body", "message", "code"),
    [
        (404, b'{"message": "Not Found", "documentation_url": "x"}', "Not Found", ErrorCode.NOT_FOUND),
        (
            422,
            b'{"detail":[{"loc":["body","title"],"msg":"too long","type":"x","input":"secret"}]}',
            "too long",
            ErrorCode.INVALID_ARGUMENT,
        ),
    ],
)
def test_failures_of_other_servers_have_a_code_and_their_message(
    ask: Ask, status: int, body: bytes, message: str, code: ErrorCode
) -> None:
    with pytest.raises(RemoteServiceException, match=f"failed on the server: {message}") as caught:
        ask(answer(status, body), "repository", "a", "b")
    assert caught.value.code is code
    assert "secret" not in repr(caught.value.details)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (418, b"{}", ErrorCode.INVALID_ARGUMENT),
        (429, b'{"title":"Slow down","status":429}', ErrorCode.RESOURCE_EXHAUSTED),
        (500, b"oops", ErrorCode.INTERNAL),
        (500, b'{"detail":"oops"}', ErrorCode.INTERNAL),
    ],
)
def test_what_may_come_from_a_gateway_is_no_failure_on_the_server(
    ask: Ask, status: int, body: bytes, code: ErrorCode
) -> None:
    with pytest.raises(ProtocolException, match=f"HTTP {status} from a gateway or a server of another kind") as caught:
        ask(answer(status, body), "repository", "a", "b")
    assert (caught.value.code, caught.value.may_have_run) == (code, True)


def test_media_types_headers_and_tokens_of_a_channel_are_sent() -> None:
    channel = RestChannel()
    channel.accept = "application/vnd.forge.v3+json"
    channel.headers["X-API-Version"] = "2026-01-01"
    channel.token_provider = lambda: "t-1"
    with serving(answer(204)) as server, closing(channel), bearer_token("of-another"):
        forge_at(server.url, channel).star("a")
    [request] = server.requests
    assert request.headers["accept"] == "application/vnd.forge.v3+json"
    assert request.headers["x-api-version"] == "2026-01-01"
    assert request.headers["authorization"] == "Bearer t-1"


def test_wrong_arguments_are_refused_before_anything_is_sent() -> None:
    with serving(answer(204)) as server, closing(RestChannel()) as channel:
        forge = forge_at(server.url, channel)
        with pytest.raises(ArgumentException, match=r"Forge\.star: 'name' is empty, which a path cannot hold"):
            forge.star("")
        with pytest.raises(ArgumentException, match=r"Forge\.retitle: number: Input should be a valid integer"):
            forge.retitle("x", "y")  # type: ignore[arg-type]
        with pytest.raises(LocalServiceException, match=r"Forge\.undescribed has no route"):
            forge.undescribed()
        assert server.requests == []


def test_contradictory_routes_are_refused_when_the_channel_is_made() -> None:
    broken = Catalog()

    @service(catalog=broken)
    class Broken(Service):
        @abstractmethod
        @get("/{name}")
        def read(self) -> str: ...

    @component(services=[Broken], catalog=broken)
    class BrokenComponent(Component): ...

    with pytest.raises(DeclarationException, match=r"Broken\.read: path '/{name}' names 'name'"):
        RestChannel().setup(broken.component(BrokenComponent), None)
