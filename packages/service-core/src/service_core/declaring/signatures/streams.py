"""Streams in signatures: which results and parameters come piece by piece, and of what type their items are."""

from __future__ import annotations

import collections.abc
import inspect
import typing
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from service_core.arguments import NOT_GIVEN, Arguments, without_end
from service_core.errors import DeclarationException

_ASYNC: Final = frozenset(
    {collections.abc.AsyncIterator, collections.abc.AsyncIterable, collections.abc.AsyncGenerator}
)
_SYNC: Final = frozenset({collections.abc.Iterator, collections.abc.Iterable, collections.abc.Generator})
_GENERATORS: Final = frozenset({collections.abc.Generator, collections.abc.AsyncGenerator})
_ITERABLES: Final = frozenset({collections.abc.Iterable, collections.abc.AsyncIterable})


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamDescriptor:
    """One stream of a method: its result, or one of its parameters."""

    item: Any
    """The type of an item."""
    is_async: bool
    """Whether it is iterated with ``async for``."""
    parameter: str = ""
    """The name of the parameter; empty for the result."""
    position: int = 0
    """The place of the parameter among all parameters."""


def method_streams(
    hints: Mapping[str, Any], signature: inspect.Signature, where: str, *, is_coroutine: bool
) -> tuple[StreamDescriptor | None, StreamDescriptor | None]:
    """The streams of a method: its result, and one of its parameters. Raises DeclarationException."""
    result = result_stream(hints["return"], where, is_coroutine=is_coroutine)
    parameters = {name: hints[name] for name in signature.parameters}
    given = input_stream(parameters, where)
    if given is None:
        return result, None
    if signature.parameters[given.parameter].default is not inspect.Parameter.empty:
        raise DeclarationException(
            f"{where}: parameter '{given.parameter}' is a stream and has a default; every caller gives the stream, "
            f"which may be empty: remove the default"
        )
    is_async = is_coroutine if result is None else result.is_async
    if given.is_async != is_async:
        kind = "AsyncIterator" if is_async else "Iterator"
        reason = "runs on an event loop, which must not wait" if is_async else "is sync, and cannot use 'async for'"
        raise DeclarationException(
            f"{where}: the method {reason} for the items of parameter '{given.parameter}'; write "
            f"'{given.parameter}: {kind}[...]'"
        )
    return result, replace(given, position=list(parameters).index(given.parameter))


def without_stream(arguments: Arguments, stream: StreamDescriptor) -> tuple[Arguments, Any]:
    """The arguments that are sent as a whole, in order, and the stream among them."""
    position = stream.position
    return without_end((*arguments[:position], *arguments[position + 1 :])), arguments[position]


def with_stream(arguments: Arguments, stream: StreamDescriptor, items: Any) -> Arguments:
    """The inverse of :func:`without_stream`."""
    position = stream.position
    before = (*arguments[:position], *(NOT_GIVEN for _ in range(position - len(arguments))))
    return (*before, items, *arguments[position:])


def result_stream(result: Any, where: str, *, is_coroutine: bool) -> StreamDescriptor | None:
    """The stream that a method returns, None if its result comes as a whole. Raises DeclarationException.

    The method itself is not ``async def``: a generator function is called without ``await``, and for type checkers an
    ``async def`` with an iterator as its result is a coroutine that returns one.
    """
    stream = _stream(result, where)
    if stream is None:
        return None
    name = where.rpartition(".")[2]
    if is_coroutine:
        raise DeclarationException(
            f"{where}: an 'async def' that returns {_name(result)} is a coroutine for type checkers; declare it "
            f"'def {name}(...) -> {_name(result)}', and implement it with 'async def' and 'yield'"
        )
    if _origin(result) in _ITERABLES:
        kind = "AsyncIterator" if stream.is_async else "Iterator"
        raise DeclarationException(
            f"{where}: a result that is streamed is declared as {kind}, which callers can close; write "
            f"'-> {kind}[...]', or a list if the result comes as a whole"
        )
    return stream


def input_stream(hints: Mapping[str, Any], where: str) -> StreamDescriptor | None:
    """The parameter that is a stream, None if there is none. Raises DeclarationException if there are two."""
    found = {name: stream for name, hint in hints.items() if (stream := _stream(hint, f"{where}: parameter '{name}'"))}
    if len(found) > 1:
        raise DeclarationException(
            f"{where}: parameters {' and '.join(repr(name) for name in found)} are both streams; a call carries one: "
            f"send items that say what they are"
        )
    for name, stream in found.items():
        return StreamDescriptor(item=stream.item, is_async=stream.is_async, parameter=name)
    return None


def _stream(hint: Any, where: str) -> StreamDescriptor | None:
    origin = _origin(hint)
    if origin not in _ASYNC | _SYNC:
        _refuse_inner(hint, where)
        return None
    arguments = typing.get_args(hint)
    if not arguments:
        raise DeclarationException(f"{where}: write the type of the items, {_name(hint)}[...], since each is validated")
    if origin in _GENERATORS and any(each not in (None, type(None)) for each in arguments[1:]):
        raise DeclarationException(
            f"{where}: items go one way; write {_name(hint)}[T, None], and a stream as a parameter for the other way"
        )
    return StreamDescriptor(item=arguments[0], is_async=origin in _ASYNC)


def _refuse_inner(hint: Any, where: str) -> None:
    """Refuse a stream as a part of another type."""
    for part in typing.get_args(hint):
        if isinstance(part, list):  # the parameters of a Callable, which does not travel
            continue
        if _origin(part) in (_ASYNC | _SYNC) - _ITERABLES:
            raise DeclarationException(
                f"{where}: {_name(part)} is a part of another type; a stream is a parameter or a result by itself, so "
                f"write list[...] for what comes as a whole"
            )
        _refuse_inner(part, where)


def _origin(hint: Any) -> Any:
    if typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    return typing.get_origin(hint) or hint


def _name(hint: Any) -> str:
    return str(getattr(_origin(hint), "__name__", hint))
