"""From a content type and bytes to a status and bytes, without any server."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any, cast

import msgpack
import pytest
from desk import INVOKE, Desk, DeskComponent, DeskImpl
from hypothesis import given
from hypothesis import strategies as st
from raw_http import envelope

from service_core import (
    CallContext,
    Catalog,
    Deadline,
    LocalComponentRegistry,
    ServiceManager,
    component,
    implementation,
    service,
)
from service_core.dispatch import Dispatcher, Executor, Response, ThreadPool, targets_of

JSON = "application/json"
MSGPACK = "application/msgpack"


@pytest.fixture
def workers() -> Iterator[ThreadPool]:
    workers = ThreadPool(4)
    yield workers
    workers.close()


@pytest.fixture
def desk() -> Iterator[DeskImpl]:
    desk = DeskImpl()
    yield desk
    desk.release.set()


def dispatcher_of(desk: Desk, workers: ThreadPool, **options: Any) -> Dispatcher:
    manager = ServiceManager(LocalComponentRegistry(), implementations=[desk])
    return Dispatcher(targets_of(manager.hosted_services()), Executor(workers, **options))


@pytest.fixture
def dispatcher(desk: DeskImpl, workers: ThreadPool) -> Dispatcher:
    return dispatcher_of(desk, workers)


def reported(answer: Response) -> Any:
    return msgpack.unpackb(answer.body) if answer.content_type == MSGPACK else json.loads(answer.body)


def packed(body: bytes) -> bytes:
    """The same call in msgpack."""
    return cast(bytes, msgpack.packb(json.loads(body)))


def error_of(answer: Response) -> Any:
    return reported(answer)["exception"]


# the table


def test_the_methods_of_declared_interfaces_can_be_called_and_no_others(dispatcher: Dispatcher) -> None:
    names = "echo echo_async sell whereabouts whereabouts_async block linger let_go fail fail_async"
    assert dispatcher.methods == [INVOKE + name for name in names.split()]


async def test_a_service_can_be_called_without_its_component_where_its_name_is_unique(dispatcher: Dispatcher) -> None:
    body = json.dumps({"method": "desk:desk:echo", "args": ["word"]}).encode()
    assert reported(await dispatcher.dispatch(JSON, body))["result"] == "word"


@pytest.mark.parametrize(
    "name",
    [
        "desk-component:desk:unlisted",
        "desk-component:desk:__class__",
        "desk-component:desk:__init__",
        "desk-component:desk:_x",
        "desk-component:desk:runs",
        "desk-component:desk:runs.append",
        "desk-component:desk:",
        "desk-component:desk",
        "desk-component:desk:echo:echo",
        "desk-component:desk-component:shutdown",
        "desk-component:desk-component:startup",
        "desk-component::shutdown",
        "desk-component:desk:shutdown",
        "elsewhere-component:desk:echo",
        "elsewhere-component:elsewhere:run",
        "desk-component:elsewhere:run",
        "Desk-Component:desk:echo",
        " desk-component:desk:echo",
        ":desk:echo",
        "echo",
        "",
    ],
)
async def test_an_undeclared_name_is_not_found_and_nothing_runs(
    dispatcher: Dispatcher, desk: DeskImpl, name: str
) -> None:
    body = json.dumps({"method": name, "args": []}).encode()

    answer = await dispatcher.dispatch(JSON, body)

    assert answer.status == 404
    assert error_of(answer)["code"] == "not_found"
    assert error_of(answer)["message"].startswith(f"there is no method {name!r} here: the interfaces ")
    assert desk.runs == []


# reading


@pytest.mark.parametrize("content_type", [JSON, "application/json; charset=utf-8", "Application/JSON", MSGPACK])
async def test_both_formats_are_read_whatever_their_parameters(dispatcher: Dispatcher, content_type: str) -> None:
    body = envelope("echo", "a", 2)
    if content_type == MSGPACK:
        body = packed(body)

    answer = await dispatcher.dispatch(content_type, body)

    assert (answer.status, answer.content_type) == (200, content_type.partition(";")[0].lower())
    assert reported(answer) == {"result": "aa", "exception": None}


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", ";"],
)
async def test_what_a_browser_can_be_made_to_send_is_refused(
    dispatcher: Dispatcher, desk: DeskImpl, content_type: str
) -> None:
    answer = await dispatcher.dispatch(content_type, envelope("echo", "a"))

    assert answer.status == 415
    assert "is not one of application/json, application/msgpack" in error_of(answer)["message"]
    assert desk.runs == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"desk"',
        b"{}",
        b'{"method": "desk-component:desk:echo"}',
        b'{"method": "desk-component:desk:echo", "args": {}}',
        b'{"method": ["desk-component:desk:echo"], "args": []}',
        b'{"method": null, "args": []}',
        b'{"method":"desk-component:desk:echo","args":[NaN]}',
        b'{"method":"desk-component:desk:echo","args":[Infinity]}',
        b'{"method":"desk-component:desk:echo","args":["a"]} x',
        b"\xff\xfe",
    ],
)
async def test_what_is_no_call_is_malformed(dispatcher: Dispatcher, desk: DeskImpl, body: bytes) -> None:
    answer = await dispatcher.dispatch(JSON, body)

    assert (answer.status, error_of(answer)["code"]) == (400, "invalid_argument")
    assert desk.runs == []


async def test_every_truncation_of_a_call_is_malformed(dispatcher: Dispatcher, desk: DeskImpl) -> None:
    as_json = envelope("sell", {"number": 1, "tags": ["a", "ä"]})
    as_msgpack = packed(as_json)
    for content_type, body in ((JSON, as_json), (MSGPACK, as_msgpack)):
        statuses = {(await dispatcher.dispatch(content_type, body[:length])).status for length in range(len(body))}
        assert statuses == {400}
    assert desk.runs == []


@given(body=st.binary(max_size=200), content_type=st.sampled_from([JSON, MSGPACK]))
def test_arbitrary_bytes_are_answered_with_the_callers_mistake(body: bytes, content_type: str) -> None:
    desk = DeskImpl()
    dispatcher = dispatcher_of(desk, ThreadPool(1))

    answer = asyncio.run(dispatcher.dispatch(content_type, body))

    assert answer.status in (400, 404, 422)
    assert desk.runs == []


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ([], ["text"]),
        ([7], ["text"]),
        (["a", "many"], ["times"]),
        (["a", 1, 2], []),
    ],
)
async def test_a_wrong_argument_is_named(
    dispatcher: Dispatcher, desk: DeskImpl, arguments: list[Any], place: list[str]
) -> None:
    answer = await dispatcher.dispatch(JSON, envelope("echo", *arguments))

    assert (answer.status, error_of(answer)["code"]) == (422, "invalid_argument")
    assert error_of(answer)["message"].startswith("Desk.echo: ")
    assert error_of(answer)["details"][0]["loc"] == place
    assert desk.runs == []


async def test_the_path_of_a_wrong_value_is_sent_but_not_the_value(dispatcher: Dispatcher) -> None:
    answer = await dispatcher.dispatch(JSON, envelope("sell", {"number": "hunter2"}))

    assert error_of(answer)["details"][0]["loc"] == ["ticket", "number"]
    assert b"hunter2" not in answer.body


@pytest.mark.parametrize("content_type", [JSON, MSGPACK])
async def test_a_validator_that_raises_something_else_refuses_too(
    dispatcher: Dispatcher, desk: DeskImpl, content_type: str
) -> None:
    body = envelope("sell", {"number": 1, "tags": ["hunter2"]})

    answer = await dispatcher.dispatch(content_type, body if content_type == JSON else packed(body))

    assert (answer.status, error_of(answer)["code"]) == (422, "invalid_argument")
    assert b"hunter2" not in answer.body
    assert desk.runs == []


# running


async def test_a_declared_error_travels_with_its_fields_and_is_not_logged(
    dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await dispatcher.dispatch(JSON, envelope("sell", {"number": 13}))

    assert answer.status == 200
    assert (error_of(answer)["type"], error_of(answer)["details"]) == ("Sold", {"fields": {"number": 13}})
    assert caplog.records == []


@pytest.mark.parametrize("method", ["fail", "fail_async"])
async def test_of_another_error_the_type_is_sent_and_the_rest_logged_once(
    dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    answer = await dispatcher.dispatch(JSON, envelope(method, "secret"), CallContext(correlation_id="abc-1"))

    assert answer.status == 200
    assert error_of(answer) == {
        "type": "ValueError",
        "code": "internal",
        "message": "",
        "details": None,
        "correlation_id": "abc-1",
    }
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("service.dispatch", logging.ERROR)
    assert record.getMessage() == f"{INVOKE}{method} failed (correlation id abc-1)"
    assert record.exc_info is not None
    assert "password=hunter2" in str(record.exc_info[1])


async def test_messages_are_sent_where_a_setting_exposes_them(desk: DeskImpl, workers: ThreadPool) -> None:
    dispatcher = dispatcher_of(desk, workers, expose_errors=True)

    answer = await dispatcher.dispatch(JSON, envelope("fail", "secret"))

    assert error_of(answer)["message"] == "password=hunter2"


@pytest.mark.parametrize("method", ["fail", "fail_async"])
@pytest.mark.parametrize("kind", ["exit", "stop", "cancelled", "timeout"])
async def test_an_error_that_python_treats_specially_is_an_error_like_others(
    dispatcher: Dispatcher, method: str, kind: str
) -> None:
    answer = await dispatcher.dispatch(JSON, envelope(method, kind), CallContext(deadline=Deadline.after(30)))

    assert (answer.status, error_of(answer)["code"]) == (200, "internal")


async def test_a_mistake_in_a_call_that_the_implementation_makes_is_not_the_callers(dispatcher: Dispatcher) -> None:
    answer = await dispatcher.dispatch(JSON, envelope("fail", "declaration"))

    assert (answer.status, error_of(answer)["code"]) == (200, "internal")


@pytest.mark.parametrize(
    ("kind", "code", "challenge"),
    [
        ("missing", "unauthenticated", "Bearer"),
        ("invalid", "unauthenticated", 'Bearer error="invalid_token", error_description="the token is not accepted"'),
        ("expired", "unauthenticated", 'Bearer error="invalid_token", error_description="the token is expired"'),
        ("denied", "permission_denied", None),
    ],
)
async def test_a_caller_that_the_method_refuses_gets_its_reason_as_an_outcome(
    dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture, kind: str, code: str, challenge: str | None
) -> None:
    answer = await dispatcher.dispatch(JSON, envelope("fail", kind))

    assert (answer.status, error_of(answer)["code"]) == (200, code)
    assert dict(answer.headers).get("www-authenticate") == challenge
    assert b"hunter2" not in answer.body
    assert caplog.records == []


async def test_a_def_method_runs_in_a_thread_and_an_async_one_on_the_loop(dispatcher: Dispatcher) -> None:
    in_thread = reported(await dispatcher.dispatch(JSON, envelope("whereabouts")))["result"]
    on_loop = reported(await dispatcher.dispatch(JSON, envelope("whereabouts_async")))["result"]

    assert (in_thread["thread"], in_thread["on_loop"]) == ("service-worker-1", "no")
    assert (on_loop["thread"], on_loop["on_loop"]) == (threading.current_thread().name, "yes")


async def test_an_inline_method_runs_on_the_loop(workers: ThreadPool) -> None:
    catalog = Catalog()  # not the default one, whose classes the other tests' containers make
    service("desk", catalog=catalog)(Desk)
    component("desk-component", services=[Desk], catalog=catalog)(DeskComponent)

    @implementation(inline=True, catalog=catalog)
    class InlineDesk(DeskImpl): ...

    manager = ServiceManager(LocalComponentRegistry(), implementations=[InlineDesk()], catalog=catalog)
    answer = await Dispatcher(targets_of(manager.hosted_services()), Executor(workers)).dispatch(
        JSON, envelope("whereabouts")
    )

    assert reported(answer)["result"]["on_loop"] == "yes"


@pytest.mark.parametrize("method", ["whereabouts", "whereabouts_async"])
async def test_the_context_of_the_call_is_visible_to_the_implementation(dispatcher: Dispatcher, method: str) -> None:
    context = CallContext(deadline=Deadline.after(30), correlation_id="abc-1")

    result = reported(await dispatcher.dispatch(JSON, envelope(method), context))["result"]

    assert result["correlation_id"] == "abc-1"
    assert 0 < float(result["remaining"]) <= 30


async def test_a_call_without_a_correlation_id_gets_one(dispatcher: Dispatcher) -> None:
    answer = await dispatcher.dispatch(JSON, envelope("whereabouts"))

    correlation_id = reported(answer)["result"]["correlation_id"]
    assert len(correlation_id) == 32
    assert dict(answer.headers)["x-correlation-id"] == correlation_id


# deadlines


@pytest.mark.parametrize("method", ["echo", "echo_async"])
async def test_a_call_whose_time_is_up_is_not_run(dispatcher: Dispatcher, desk: DeskImpl, method: str) -> None:
    answer = await dispatcher.dispatch(JSON, envelope(method, "a"), CallContext(deadline=Deadline.after(0)))

    assert (answer.status, error_of(answer)["code"]) == (504, "deadline_exceeded")
    assert desk.runs == []


async def test_an_async_method_is_cancelled_at_the_deadline(dispatcher: Dispatcher, desk: DeskImpl) -> None:
    answer = await dispatcher.dispatch(JSON, envelope("linger"), CallContext(deadline=Deadline.after(0.05)))

    assert (answer.status, error_of(answer)["type"]) == (200, "DeadlineExceeded")
    assert desk.cancelled.is_set()


async def test_a_def_method_is_not_waited_for_beyond_the_deadline(dispatcher: Dispatcher, desk: DeskImpl) -> None:
    answer = await dispatcher.dispatch(JSON, envelope("block"), CallContext(deadline=Deadline.after(0.05)))

    assert (answer.status, error_of(answer)["type"]) == (200, "DeadlineExceeded")
    assert not desk.release.is_set()


async def test_a_call_that_waited_for_a_worker_until_its_time_was_up_is_not_run(desk: DeskImpl) -> None:
    workers = ThreadPool(1)
    dispatcher = dispatcher_of(desk, workers)
    blocking = asyncio.create_task(dispatcher.dispatch(JSON, envelope("block")))
    await asyncio.to_thread(desk.entered.acquire)

    answer = await dispatcher.dispatch(JSON, envelope("echo", "a"), CallContext(deadline=Deadline.after(0.05)))
    desk.release.set()
    await blocking
    await dispatcher.dispatch(JSON, envelope("whereabouts"))  # the worker has passed the call that was too late

    assert answer.status == 504
    assert desk.runs == ["block"]
    workers.close()


async def test_cancelling_a_call_cancels_its_method(dispatcher: Dispatcher, desk: DeskImpl) -> None:
    call = asyncio.create_task(dispatcher.dispatch(JSON, envelope("linger")))
    await asyncio.to_thread(desk.entered.acquire)

    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call
    assert desk.cancelled.is_set()
