"""The frames of a call as its client writes and reads them. Plain functions, no sockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from service_core.errors import ArgumentException, ProtocolException, ServiceCommunicationException
from service_core.wire.codec import Codec, MalformedData
from service_core.wire.failures.reading import error_from_wire
from service_core.wire.failures.wire_error import WireError
from service_core.wire.methods.method_codec import MethodCodec
from service_core.wire.methods.unexpected_result import NOTHING, misfit
from service_core.wire.streams.frames import STOPPING, Frame, FrameKind, check_call, frame


def write_call(envelope: bytes) -> bytes:
    """The first frame of a request that is a stream; ``envelope`` is that of an ordinary call."""
    return frame(FrameKind.CALL, envelope)


def write_items(method_codec: MethodCodec, codec: Codec, items: list[Any]) -> bytes:
    """Items of the argument that is a stream. Raises ArgumentException if one does not fit its type."""
    if method_codec.input_items is None:
        raise AssertionError(f"{method_codec.method.where} has no stream as a parameter")
    return frame(FrameKind.ITEMS, codec.write_value(method_codec.input_items, items))


def write_end() -> bytes:
    """The last frame of a request that is a stream."""
    return frame(FrameKind.END)


def read_items(came: Frame, method_codec: MethodCodec, codec: Codec, where: Callable[[], str]) -> list[Any]:
    """The items in a frame of the result; an empty list at the end of the stream.

    ``where`` gives method and address, for messages. Raises the error that a frame carries,
    ContractMismatchException for items that do not fit the caller's interface, ProtocolException for a frame that
    cannot be read.
    """
    try:
        check_call(came)
        if came.kind is FrameKind.END:
            return []
        if came.kind is FrameKind.ERROR:
            failure = codec.read_response(method_codec, came.payload)
            if not isinstance(failure, WireError):
                raise MalformedData("a frame of an error without an error")
            raise stream_error(failure, method_codec, where())
        if came.kind is not FrameKind.ITEMS or method_codec.items is None:
            raise MalformedData(f"a frame of kind {came.kind.name} in an answer")
        return _items(came.payload, method_codec, codec, where)
    except MalformedData as error:
        raise ProtocolException(f"{where()}: the stream cannot be read: {error}", may_have_run=True) from error


def stream_error(failure: WireError, method_codec: MethodCodec, where: str) -> Exception:
    """The exception for a failure that ends a stream."""
    if failure.type == STOPPING:
        return ServiceCommunicationException(
            f"{where}: the server stops and has ended the stream; call again for another instance",
            may_have_run=True,
            correlation_id=failure.correlation_id,
        )
    return error_from_wire(failure, where=where, declared=method_codec.errors, method=method_codec.method)


def _items(payload: bytes, method_codec: MethodCodec, codec: Codec, where: Callable[[], str]) -> list[Any]:
    if method_codec.items is None:
        raise AssertionError("the method has no stream")
    try:
        items: list[Any] = codec.read_value(method_codec.items, payload)
    except ArgumentException as error:
        raise misfit(error, method_codec.method, NOTHING, where=where()) from error
    if not items:
        raise MalformedData("a frame without items")
    return items
