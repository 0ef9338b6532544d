"""Requests for calls: their content types, and the answers to those that are refused."""

from __future__ import annotations

from typing import Final

from service_core.context import CallContext
from service_core.dispatch.failures import Failure
from service_core.dispatch.responses import Response, envelope, mismatch, refusal
from service_core.dispatch.target import Target
from service_core.dispatch.timeouts import TimedOut
from service_core.errors import ArgumentException, ContractMismatchException, ErrorCode
from service_core.rest import media_type_of
from service_core.wire import CODECS, Codec, MalformedData, TooManyValues
from service_core.wire.streams import STREAM_TYPES


def stream_codec(content_type: str) -> Codec | None:
    """The codec of a request that is a stream, None for a request that is not."""
    codec = _STREAM_CODECS.get(content_type)
    return codec or _STREAM_CODECS.get(media_type_of(content_type))


def check_is_whole(target: Target) -> None:
    """Raise ArgumentException for a method that needs a stream, called without one."""
    stream = target.method_codec.method.input_stream
    if stream is not None:
        raise ArgumentException(
            f"{target.method_codec.method.where}: parameter '{stream.parameter}' is a stream; send a request of type "
            f"{' or '.join(STREAM_TYPES.values())}"
        )


def unknown_type(content_type: str, context: CallContext) -> Response:
    """The answer to a request of a content type that is no format of calls."""
    reason = f"content type {content_type[:100]!r} is not one of {', '.join((*CODECS, *_STREAM_CODECS))}"
    return envelope(refusal(ErrorCode.INVALID_ARGUMENT, reason, context=context), status=415)


def refused(error: Exception, codec: Codec, context: CallContext) -> Response:
    """The answer to a request that cannot be read, or that is not allowed."""
    if isinstance(error, Forbidden):
        return answer_of(error.failure, codec)
    if isinstance(error, TimedOut):
        return envelope(refusal(ErrorCode.DEADLINE_EXCEEDED, "deadline exceeded", context=context), codec=codec)
    if isinstance(error, ContractMismatchException):
        return envelope(mismatch(error.code, error.message, details=error.details, context=context), codec=codec)
    if isinstance(error, ArgumentException):
        return envelope(refusal(error.code, error.message, details=error.details, context=context), codec=codec)
    status = 413 if isinstance(error, TooManyValues) else 400
    return envelope(refusal(ErrorCode.INVALID_ARGUMENT, str(error), context=context), status=status, codec=codec)


def answer_of(failure: Failure, codec: Codec) -> Response:
    """The answer to a call that has failed."""
    # Status 200 says that the implementation has run, with any outcome.
    status = 200 if failure.executed else None
    return envelope(failure.error, status=status, codec=codec, headers=failure.headers)


class Forbidden(Exception):
    """The caller may not call the method."""

    def __init__(self, failure: Failure) -> None:
        super().__init__()
        self.failure = failure


REFUSALS: Final = (Forbidden, TimedOut, ContractMismatchException, ArgumentException, TooManyValues, MalformedData)
"""What reading a request raises."""
_STREAM_CODECS: Final[dict[str, Codec]] = {STREAM_TYPES[name]: codec for name, codec in CODECS.items()}
