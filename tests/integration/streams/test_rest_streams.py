"""Streams over REST: both forms, what ends them, and what programs that are not ours see."""

from __future__ import annotations

import asyncio
import json
import socketserver
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, cast

import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException, Request
from starlette.middleware.base import BaseHTTPMiddleware

from service_channels_http import connect
from service_core import (
    ArgumentException,
    RemoteServiceException,
    ServiceCommunicationException,
)
from service_server_fastapi import serve
from service_server_fastapi.settings import ServerSettings
from tests.integration.streams.rooms import Message, NoSuchRoom, Rooms, RoomsImpl

NDJSON = {"content-type": "application/x-ndjson"}


@pytest.fixture(scope="module")
def impl() -> RoomsImpl:
    return RoomsImpl()


@pytest.fixture(autouse=True)
def _none_has_ended(impl: RoomsImpl) -> None:
    impl.ended.clear()


def _demand_key(request: Request) -> None:
    if request.headers.get("x-key") != "k":
        raise HTTPException(403)


def _application(kind: str) -> FastAPI | None:
    if kind == "middleware":
        app = FastAPI()
        app.add_middleware(BaseHTTPMiddleware, dispatch=lambda request, call_next: call_next(request))
        return app
    return FastAPI(dependencies=[Depends(_demand_key)]) if kind == "dependency" else None


@pytest.fixture(scope="module", params=["bypass", "middleware", "dependency"])
def url(impl: RoomsImpl, request: pytest.FixtureRequest) -> Iterator[str]:
    """A server whose routes are reached past FastAPI's layers, and through them."""
    settings = ServerSettings(stream_keep_alive=0.2)
    with serve(impl, port=0, app=_application(request.param), settings=settings) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture(scope="module")
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, headers={"x-key": "k"}) as client:
        yield client


def test_lines_are_the_default(http: httpx.Client, impl: RoomsImpl) -> None:
    answer = http.get("/rooms/tea/messages?count=2")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-cache", "no")
    assert [json.loads(line) for line in answer.text.splitlines()] == [
        {"text": "tea\nsecond line", "no": number} for number in (0, 1)
    ]
    assert impl.ended.wait(10)


def test_events_are_sent_to_clients_that_accept_them(http: httpx.Client) -> None:
    answer = http.get("/rooms/tea/lines?count=2", headers={"accept": "text/event-stream"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text == 'data: "tea 0"\n\ndata: "tea 1"\n\nevent: end\ndata:\n\n'


def test_a_request_that_accepts_neither_form_is_refused_before_the_method_runs(
    http: httpx.Client, impl: RoomsImpl
) -> None:
    answer = http.get("/rooms/tea/messages", headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["executed"]) == (406, False)
    assert "application/x-ndjson or text/event-stream" in answer.json()["detail"]
    assert not impl.ended.is_set()


def test_an_error_before_the_first_item_has_its_status(http: httpx.Client) -> None:
    answer = http.get("/rooms/missing/messages?count=0")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert (answer.json()["error"], answer.json()["executed"]) == ("NoSuchRoom", True)


def test_an_error_after_it_is_the_last_line(http: httpx.Client) -> None:
    *lines, last = http.get("/rooms/missing/lines?count=2").text.splitlines()
    assert lines == ['"missing 0"', '"missing 1"']
    assert json.loads(last)["$problem"]["error"] == "NoSuchRoom"


def test_or_an_event(http: httpx.Client) -> None:
    answer = http.get("/rooms/missing/lines?count=1", headers={"accept": "text/event-stream"})
    assert '\n\nevent: problem\ndata: {"type":"about:blank","title":"Not Found"' in answer.text


@pytest.mark.parametrize(("accept", "comment"), [("application/x-ndjson", "\n"), ("text/event-stream", ":\n\n")])
def test_a_stream_that_waits_sends_comments(http: httpx.Client, impl: RoomsImpl, accept: str, comment: str) -> None:
    with http.stream("GET", "/rooms/endless/messages?count=0", headers={"accept": accept}) as answer:
        parts = answer.iter_text()
        assert [next(parts)[: len(comment)] for _ in range(2)] == [comment, comment]
        assert not impl.ended.is_set()
    assert impl.ended.wait(10)


def test_wrong_arguments_are_refused_as_on_other_routes(http: httpx.Client, impl: RoomsImpl) -> None:
    answer = http.get("/rooms/tea/messages?count=many")
    assert (answer.status_code, answer.json()["details"][0]["loc"]) == (422, ["query", "count"])
    assert not impl.ended.is_set()


def test_a_body_of_lines_is_the_argument(http: httpx.Client) -> None:
    assert http.post("/rooms/tea/lines", content=b'"a"\r\n\n"b"', headers=NDJSON).json() == "teaab"


@pytest.mark.parametrize("content", [b'"a"\n1\n', b'"a"\n{', b'"a" "b"\n'])
def test_a_line_that_does_not_fit_is_the_callers_mistake(http: httpx.Client, content: bytes) -> None:
    answer = http.post("/rooms/tea/lines", content=content, headers=NDJSON)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_argument")
    assert "item of parameter 'lines'" in answer.json()["detail"]


def test_a_body_of_another_type_is_refused(http: httpx.Client) -> None:
    answer = http.post("/rooms/tea/lines", json=["a"])
    assert answer.status_code == 415
    assert "application/x-ndjson" in answer.json()["detail"]


def test_a_compressed_body_is_refused(http: httpx.Client) -> None:
    answer = http.post("/rooms/tea/lines", content=b"x", headers={**NDJSON, "content-encoding": "gzip"})
    assert answer.status_code == 415


def test_a_dependency_of_the_application_is_called(url: str, request: pytest.FixtureRequest) -> None:
    expected = 403 if "[dependency]" in request.node.name else 200
    assert httpx.get(f"{url}/rooms/tea/messages").status_code == expected
    assert httpx.post(f"{url}/rooms/tea/lines", content=b'"a"', headers=NDJSON).status_code == expected


def test_curl_shows_items_as_they_come(url: str, impl: RoomsImpl) -> None:
    command = ["curl", "-sN", "-H", "x-key: k", f"{url}/rooms/endless/messages?count=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as curl:
        assert curl.stdout is not None
        assert json.loads(curl.stdout.readline()) == {"text": "endless\nsecond line", "no": 0}
        curl.terminate()
    assert impl.ended.wait(10)


# our own client


@pytest.fixture
def chat(impl: RoomsImpl) -> Iterator[Rooms]:
    with serve(impl, port=0) as server, connect(Rooms, f"http://127.0.0.1:{server.port}", channel="rest") as rooms:
        yield rooms


async def messages(count: int) -> AsyncIterator[Message]:
    for number in range(count):
        yield Message(text="x", no=number)


async def taken(rooms: Rooms, room: str, count: int) -> tuple[list[int], BaseException | None]:
    numbers: list[int] = []
    try:
        async for message in rooms.watch(room, count):
            numbers.append(message.number)  # noqa: PERF401 - those before an error are kept
    except Exception as error:  # noqa: BLE001 - the caller looks at it
        return numbers, error
    return numbers, None


def test_items_come_in_order(chat: Rooms, impl: RoomsImpl) -> None:
    assert asyncio.run(taken(chat, "tea", 1000)) == (list(range(1000)), None)
    assert impl.ended.wait(10)
    assert list(chat.lines("tea", 1000)) == [f"tea {number}" for number in range(1000)]
    assert list(chat.lines("tea", 0)) == []


@pytest.mark.parametrize("count", [0, 2])
def test_errors_come_after_the_items_before_them(chat: Rooms, count: int) -> None:
    assert asyncio.run(taken(chat, "missing", count)) == (list(range(count)), NoSuchRoom("missing"))
    numbers, error = asyncio.run(taken(chat, "broken", count))
    assert numbers == list(range(count))
    assert isinstance(error, RemoteServiceException)
    assert (error.type, "secret" in str(error)) == ("KeyError", False)


def test_a_stream_as_argument_is_read_whole(chat: Rooms) -> None:
    assert asyncio.run(chat.tell("tea", messages(1000), factor=2)) == 2 * sum(range(1000))
    assert chat.tell_lines("tea", iter(["a", "b"])) == "teaab"


def test_an_item_that_does_not_fit_is_refused_at_the_caller(chat: Rooms) -> None:
    with pytest.raises(ArgumentException, match=r"Rooms\.tell_lines: item of parameter 'lines'"):
        chat.tell_lines("tea", iter(cast(Any, [1])))


def test_closing_a_stream_ends_the_generator(chat: Rooms, impl: RoomsImpl) -> None:
    async def read_one() -> int:
        async with aclosing(cast(Any, chat.watch("endless", 1))) as items:
            return int((await anext(items)).number)

    assert asyncio.run(read_one()) == 0
    assert impl.ended.wait(10)


def test_a_server_that_stops_ends_streams_with_that_reason(impl: RoomsImpl) -> None:
    settings = ServerSettings(drain_timeout=0.2)
    with (
        serve(impl, port=0, settings=settings) as server,
        connect(Rooms, f"http://127.0.0.1:{server.port}", channel="rest") as rooms,
    ):

        async def read() -> None:
            async for _ in rooms.watch("endless", 1):
                asyncio.get_running_loop().run_in_executor(None, server.stop)

        with pytest.raises(ServiceCommunicationException, match="the server stops"):
            asyncio.run(read())
    assert impl.ended.wait(10)


@contextmanager
def answering(content: bytes) -> Iterator[str]:
    """A server that answers each request with these bytes."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(content)

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("head", "body", "expected"),
    [
        ("content-type: text/event-stream", 'event: delta\ndata: "a"\n\nevent: end\ndata:\n\n', ["a"]),
        ("content-type: text/event-stream; charset=utf-8\r\ncontent-length: 11", 'data: "a"\n\n', ["a"]),
        ("content-type: application/x-ndjson\r\ncontent-length: 7", '"a"\n"b"', ["a", "b"]),
        ("content-type: application/x-ndjson", '"a"\n', "may have been cut off"),
        ("content-type: application/x-ndjson\r\ncontent-length: 50", '"a"\n', "connection"),
        (
            "content-type: application/json\r\ncontent-length: 2",
            "[]",
            "content type 'application/json' where a stream was expected",
        ),
        (
            "content-type: application/x-ndjson\r\ncontent-length: 2",
            "1\n",
            "result: Input should be a valid string; it is 1",
        ),
        ("content-type: application/x-ndjson\r\ncontent-length: 2", "{\n", "cannot be read"),
    ],
)
def test_answers_of_other_servers_are_read_or_refused(head: str, body: str, expected: list[str] | str) -> None:
    answer = f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}".encode()
    with answering(answer) as url, connect(Rooms, url, channel="rest") as rooms:
        if isinstance(expected, list):
            assert list(rooms.lines("tea")) == expected
            return
        with pytest.raises(ServiceCommunicationException, match=expected):
            list(rooms.lines("tea"))


def test_a_stream_is_documented_as_a_list_of_its_lines_and_events(impl: RoomsImpl) -> None:
    with serve(impl, port=0) as server:
        document = httpx.get(f"http://127.0.0.1:{server.port}/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    routes = document["paths"]["/rooms/{room}/messages"]
    content = routes["get"]["responses"]["200"]["content"]
    assert set(content) == {"application/x-ndjson", "text/event-stream"}
    assert content["application/x-ndjson"]["schema"]["items"]["title"] == "Message"
    event = content["text/event-stream"]["schema"]["items"]["properties"]
    assert event["data"]["contentSchema"]["required"] == ["text", "no"]
    assert routes["get"]["responses"]["406"]["content"].keys() == {"application/problem+json"}
    assert routes["post"]["requestBody"]["content"].keys() == {"application/x-ndjson"}
