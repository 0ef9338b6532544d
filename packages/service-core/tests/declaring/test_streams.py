"""Which signatures are streams, and which are refused."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Generator, Iterable, Iterator
from typing import Annotated, Any

import pytest

from service_core.declaring.streams import StreamDescriptor, input_stream, result_stream
from service_core.errors import DeclarationException

WHERE = "Chat.watch"


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
