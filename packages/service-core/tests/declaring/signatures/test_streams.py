"""Which signatures are streams, and which are refused."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Generator, Iterable, Iterator
from typing import Annotated, Any

import pytest

from service_core.arguments import NOT_GIVEN
from service_core.declaring.signatures.streams import (
    StreamDescriptor,
    input_stream,
    method_streams,
    result_stream,
    with_stream,
    without_stream,
)
from service_core.errors import DeclarationException

WHERE = "Chat.watch"
EMPTY: Iterator[int] = iter(())


@pytest.mark.parametrize(
    ("hint", "is_async"),
    [
        (AsyncIterator[int], True),
        (AsyncGenerator[int, None], True),
        (Iterator[int], False),
        (Generator[int, None, None], False),
        (Annotated[Iterator[int], "note"], False),
    ],
)
def test_iterators_and_generators_are_streams_of_results(hint: Any, is_async: bool) -> None:
    if hint.__class__.__name__ == "_AnnotatedAlias":
        hint = hint.__origin__
    assert result_stream(hint, WHERE, is_coroutine=False) == StreamDescriptor(item=int, is_async=is_async)


@pytest.mark.parametrize("hint", [int, list[int], dict[str, int], tuple[int, ...]])
def test_other_types_come_as_a_whole(hint: Any) -> None:
    assert result_stream(hint, WHERE, is_coroutine=False) is None
    assert input_stream({"rows": hint}, WHERE) is None


@pytest.mark.parametrize("hint", [AsyncIterator[int], AsyncIterable[int], Iterator[int], Iterable[int]])
def test_iterators_and_iterables_are_streams_of_arguments(hint: Any) -> None:
    stream = input_stream({"name": str, "rows": hint}, WHERE)
    assert stream is not None
    assert (stream.item, stream.parameter) == (int, "rows")


@pytest.mark.parametrize(
    ("hint", "is_coroutine", "message"),
    [
        (AsyncIterator[int], True, "-> AsyncIterator', and implement it with 'async def' and 'yield'"),
        (Iterable[int], False, "declared as Iterator, which callers can close"),
        (AsyncIterable[int], False, "declared as AsyncIterator, which callers can close"),
        (AsyncIterator, False, r"write the type of the items, AsyncIterator\[...\]"),
        (Generator[int, str, None], False, r"items go one way; write Generator\[T, None\]"),
    ],
)
def test_signatures_that_cannot_work_are_refused_with_advice(hint: Any, is_coroutine: bool, message: str) -> None:
    with pytest.raises(DeclarationException, match=message):
        result_stream(hint, WHERE, is_coroutine=is_coroutine)


def test_two_input_streams_are_refused() -> None:
    with pytest.raises(DeclarationException, match="parameters 'a' and 'b' are both streams"):
        input_stream({"a": Iterator[int], "b": AsyncIterator[int]}, WHERE)


def of(function: Any) -> Any:
    signature = inspect.signature(function, eval_str=True)
    hints = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    hints["return"] = signature.return_annotation
    return method_streams(hints, signature, WHERE, is_coroutine=inspect.iscoroutinefunction(function))


def test_a_method_may_have_a_stream_each_way() -> None:
    def talk(room: str, words: AsyncIterator[str]) -> AsyncIterator[int]:
        raise NotImplementedError

    result, given = of(talk)
    assert result == StreamDescriptor(item=int, is_async=True)
    assert given == StreamDescriptor(item=str, is_async=True, parameter="words", position=1)


def test_a_sync_iterator_of_an_async_method_is_refused() -> None:
    async def ingest(rows: Iterator[int]) -> int:
        raise NotImplementedError

    with pytest.raises(DeclarationException, match=r"parameter 'rows'; write 'rows: AsyncIterator"):
        of(ingest)


def test_an_async_iterator_of_a_sync_method_is_refused() -> None:
    def ingest(rows: AsyncIterator[int]) -> int:
        raise NotImplementedError

    with pytest.raises(DeclarationException, match=r"parameter 'rows'; write 'rows: Iterator"):
        of(ingest)


def test_a_stream_with_a_default_is_refused() -> None:
    def ingest(rows: Iterator[int] = EMPTY) -> int:
        raise NotImplementedError

    with pytest.raises(DeclarationException, match="'rows' is a stream and has a default"):
        of(ingest)


def test_the_stream_is_taken_out_of_the_arguments_and_put_back() -> None:
    stream = StreamDescriptor(item=int, is_async=True, parameter="rows", position=2)
    assert without_stream((1, NOT_GIVEN, "rows"), stream) == ((1,), "rows")
    assert with_stream((1,), stream, "rows") == (1, NOT_GIVEN, "rows")
    assert without_stream((1, 2, "rows", 4), stream) == ((1, 2, 4), "rows")
    assert with_stream((1, 2, 4), stream, "rows") == (1, 2, "rows", 4)
