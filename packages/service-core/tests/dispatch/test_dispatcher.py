"""The order of work: who calls, how much it is, and only then what is in it."""

from __future__ import annotations

import asyncio
import json
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, ClassVar, Self, cast

import msgpack
import pytest
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from service_core import (
    Catalog,
    Component,
    InvalidTokenException,
    LocalComponentRegistry,
    Service,
    ServiceManager,
    allow_anonymous,
    component,
    implementation,
    service,
)
from service_core.dispatch import Dispatcher, Executor, Response, ThreadPool, targets_of
from service_core.wire import JSON, LARGE, MSGPACK, Codec, context_from_headers

CATALOG = Catalog()
MAX_VALUES = 5000
CODECS = pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=["json", "msgpack"])


class Seen(str):
    """A text that notes in which thread it is read."""

    threads: ClassVar[list[str]] = []

    @classmethod
    def read(cls, text: str) -> Self:
        cls.threads.append(threading.current_thread().name)
        return cls(text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls.read, core_schema.str_schema())


@service(name="desk", catalog=CATALOG)
class Desk(Service):
    @abstractmethod
    @allow_anonymous
    async def size(self, value: Seen) -> int: ...

    @abstractmethod
    async def count(self, values: list[Any], name: Seen) -> int: ...

    @abstractmethod
    async def double(self, number: float, text: str = "") -> float: ...


@component(name="desk-component", services=[Desk], catalog=CATALOG)
class DeskComponent(Component): ...


@implementation(catalog=CATALOG)
class DeskImpl(Desk):
    async def size(self, value: Seen) -> int:
        return len(value)

    async def count(self, values: list[Any], name: Seen) -> int:
        return len(values)

    async def double(self, number: float, text: str = "") -> float:
        return 2 * number


class Verifier:
    async def verify(self, token: str) -> str:
        if token != "good":
            raise InvalidTokenException("not good")
        return "ann"


Send = Callable[..., Response]


@pytest.fixture
def send() -> Iterator[Send]:
    """Sends a request to a dispatcher that asks for tokens; gives its answer."""
    Seen.threads.clear()
    manager = ServiceManager(LocalComponentRegistry(), implementations=[DeskImpl()], catalog=CATALOG)
    with closing(ThreadPool(1)) as workers, asyncio.Runner() as runner, manager:
        calls = Executor(workers, verifier=Verifier())
        dispatcher = Dispatcher(targets_of(manager.hosted_services()), calls, readers=workers, max_values=MAX_VALUES)

        async def dispatch(codec: Codec, body: bytes, token: str | None) -> Response:
            headers = {} if token is None else {"authorization": f"Bearer {token}"}
            admitted = await dispatcher.admit(context_from_headers(headers))
            return (
                admitted
                if isinstance(admitted, Response)
                else await dispatcher.dispatch(codec.content_type, body, admitted)
            )

        yield lambda codec, body, token="good": runner.run(dispatch(codec, body, token))


def written(codec: Codec, request: dict[str, Any]) -> bytes:
    return json.dumps(request).encode() if codec is JSON else cast(bytes, msgpack.packb(request))


def body_of(codec: Codec, method: str, *args: Any) -> bytes:
    return written(codec, {"method": f"desk-component:desk:{method}", "args": list(args)})


def error_of(codec: Codec, answer: Response) -> Any:
    return (json.loads if codec is JSON else msgpack.unpackb)(answer.body)["exception"]


@CODECS
@pytest.mark.parametrize("is_first", [True, False])
def test_a_caller_without_a_token_has_nothing_read_but_for_methods_that_need_none(
    send: Send, codec: Codec, is_first: bool
) -> None:
    def body(method: str, *args: Any) -> bytes:
        request = {"method": f"desk-component:desk:{method}", "args": list(args)}
        return written(codec, request if is_first else dict(reversed(request.items())))

    reads: list[bytes] = []
    assert send(codec, body("size", "abc"), None).status == 200
    with pytest.MonkeyPatch.context() as patch:
        read = type(codec).read_request

        def noted(self: Codec, data: bytes) -> Any:
            reads.append(data)
            return read(self, data)

        patch.setattr(type(codec), "read_request", noted)
        assert send(codec, body("count", [1], "a"), None).status == 401
        assert send(codec, body("unknown", [1]), None).status == 401
        assert send(codec, b"nothing of ours", None).status == 401
        assert reads == []


@CODECS
def test_a_request_that_names_two_methods_is_let_in_by_neither(send: Send, codec: Codec) -> None:
    one, other = b"desk-component:desk:size", b"desk-component:desk:count"
    if codec is JSON:
        body = b'{ "method": "%s", "args": [[1], "a"], "method": "%s"}' % (one, other)
    else:
        name = b"\xa6method\xd9"
        body = b"\x83%s%c%s\xa4args\x92\x91\x01\xa1a%s%c%s" % (name, len(one), one, name, len(other), other)
    assert send(codec, body, None).status == 401


@CODECS
def test_more_values_than_are_allowed_are_answered_with_413_that_names_the_setting(send: Send, codec: Codec) -> None:
    assert send(codec, body_of(codec, "count", [0] * (MAX_VALUES // 2), "a")).status == 200
    answer = send(codec, body_of(codec, "count", [0] * (MAX_VALUES + 1), "a"))
    assert answer.status == 413
    assert "max_values (SERVICE_SERVER_MAX_VALUES)" in error_of(codec, answer)["message"]
    assert Seen.threads == ["MainThread"]


@CODECS
@pytest.mark.parametrize("many", [[0] * 2000, [{}] * 2000, {str(number): 0 for number in range(2000)}])
def test_a_method_of_simple_parameters_has_no_large_lists_made(send: Send, codec: Codec, many: Any) -> None:
    assert send(codec, body_of(codec, "double", 2.5, ",[{:" * 2000)).status == 200
    answer = send(codec, body_of(codec, "double", 1.0, many))
    assert answer.status == 422
    assert "all parameters are simple values" in error_of(codec, answer)["message"]


@CODECS
def test_a_large_request_is_read_outside_of_the_event_loop(send: Send, codec: Codec) -> None:
    assert send(codec, body_of(codec, "count", ["x" * LARGE], "a")).status == 200
    assert send(codec, body_of(codec, "count", ["x" * 100], "a")).status == 200
    assert Seen.threads == ["service-worker-1", "MainThread"]


@CODECS
def test_a_large_request_that_is_wrong_is_refused_as_a_small_one_is(send: Send, codec: Codec) -> None:
    answer = send(codec, body_of(codec, "count", ["x" * LARGE], 5))
    assert (answer.status, error_of(codec, answer)["details"][0]["loc"]) == (422, ["name"])
    assert send(codec, body_of(codec, "count", ["x" * LARGE], "a")[:-1]).status == 400
