"""The dispatcher and arbitrary bytes: there is always an answer, and never one that says the server is at fault.

Bytes that once did harm are kept in ``corpus``, each in a file whose name begins with its format, and sent again at
every run. Each new one gets a file.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from service_core import LocalComponentRegistry, ServiceManager
from service_core.dispatch import Dispatcher, Executor, Response, ThreadPool, targets_of
from service_core.testing import ContractServiceImpl
from service_core.testing.contract_values import Specimen
from tests.chaos.rude import FORMATS, packed

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.bin"))
PREFIX = "channel-contract-component:channel-contract-service:"
METHODS = ("echo", "echo_async", "add", "buy", "identity", "seen", "nothing")

Send = Callable[[bytes, str], Response]
thorough = settings(
    max_examples=2_000 if os.environ.get("CHAOS") == "long" else 200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def send() -> Iterator[Send]:
    """Sends bytes to a dispatcher; gives its answer."""
    manager = ServiceManager(LocalComponentRegistry(), implementations=[ContractServiceImpl()])
    workers = ThreadPool(1)
    dispatcher = Dispatcher(targets_of(manager.hosted_services()), Executor(workers))
    with asyncio.Runner() as runner, manager:
        yield lambda body, form: runner.run(dispatcher.dispatch(FORMATS.get(form, form), body))
        workers.close()


def check(answer: Response) -> None:
    unpack: Callable[[bytes], Any] = json.loads if answer.content_type == FORMATS["json"] else msgpack.unpackb
    reported = unpack(answer.body)
    assert answer.status in (200, 400, 404, 415, 422)
    assert reported.keys() == {"result", "exception"}
    if answer.status != 200:
        assert reported["exception"]["code"] in ("invalid_argument", "not_found")


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(), inner, max_size=4),
    max_leaves=20,
)
fields = st.sampled_from([field.name for field in dataclasses.fields(Specimen)])
specimens = st.dictionaries(fields, plain, max_size=6)
requests = st.fixed_dictionaries(
    {"method": st.sampled_from([PREFIX + name for name in METHODS]), "args": st.lists(specimens | plain, max_size=3)}
)


def written(value: Any, form: str) -> bytes:
    """The value in the format, as far as it has a form there."""
    if form == "json":
        return json.dumps(value, default=repr, skipkeys=True).encode(errors="surrogatepass")
    return packed(value, default=repr, unicode_errors="surrogatepass")


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_what_once_did_harm(send: Send, file: Path) -> None:
    check(send(file.read_bytes(), file.name.partition("-")[0]))


@pytest.mark.parametrize("form", FORMATS)
@thorough
@given(body=st.binary(max_size=200))
@example(body=b"")
def test_arbitrary_bytes(send: Send, form: str, body: bytes) -> None:
    check(send(body, form))


@pytest.mark.parametrize("form", FORMATS)
@thorough
@given(request=requests)
def test_arbitrary_arguments(send: Send, form: str, request: dict[str, Any]) -> None:
    try:
        body = written(request, form)
    except OverflowError:
        return  # msgpack has no form for integers of more than 64 bits
    check(send(body, form))


@pytest.mark.parametrize("form", FORMATS)
@thorough
@given(request=requests, at=st.floats(0, 1), removed=st.integers(0, 4), added=st.binary(max_size=4))
def test_requests_with_a_wrong_place(
    send: Send, form: str, request: dict[str, Any], at: float, removed: int, added: bytes
) -> None:
    try:
        body = written(request, form)
    except OverflowError:
        return
    place = int(at * len(body))
    check(send(body[:place] + added + body[place + removed :], form))


@thorough
@given(content_type=st.text(max_size=60), body=st.binary(max_size=60))
def test_arbitrary_content_types(send: Send, content_type: str, body: bytes) -> None:
    check(send(body, content_type))


@pytest.mark.parametrize("form", FORMATS)
def test_a_request_that_is_cut_short_anywhere(send: Send, form: str) -> None:
    raw = b"\x00\xff" if form == "msgpack" else "AP8="
    value = {"text": "ä", "number": 2**40, "raw": raw, "tags": ["a"], "pair": [1, "b"]}
    whole = written({"method": PREFIX + "echo", "args": [value]}, form)
    assert send(whole, form).status == 200
    for end in range(len(whole)):
        answer = send(whole[:end], form)
        check(answer)
        assert answer.status in (400, 404, 422)
