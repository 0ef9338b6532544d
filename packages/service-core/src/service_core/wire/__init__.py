"""The wire contract: how a call and its outcome become bytes and headers, and how they are read again.

Everything here is a function of its arguments, and of the clock where deadlines are: no sockets, no threads.
"""

from service_core.wire.bounds.garbage_collection import LARGE
from service_core.wire.bounds.limits import MAX_VALUES, TooManyValues, json_holds_more
from service_core.wire.codec import Codec, MalformedData, WireRequest
from service_core.wire.failures.declared_errors import DeclaredError
from service_core.wire.failures.reading import error_from_wire, token_error
from service_core.wire.failures.wire_error import CONTRACT_MISMATCH, WireError
from service_core.wire.failures.writing import error_to_wire
from service_core.wire.formats import CODECS
from service_core.wire.headers import (
    CONTEXT_HEADERS,
    CORRELATION_ID,
    DEADLINE_MS,
    ITEM_TIMEOUTS_MS,
    USUAL_FORMS,
    call_headers,
    context_from_headers,
    context_of,
    item_timeouts_ms,
    milliseconds_left,
    usual_context,
    with_deadline,
)
from service_core.wire.json import JSON, read_json
from service_core.wire.large_values.checking import check_value
from service_core.wire.methods.arguments import CHANGES_PAGE
from service_core.wire.methods.method_codec import MethodCodec, ResultType
from service_core.wire.methods.unexpected_result import misfit, unexpected_form
from service_core.wire.msgpack import MSGPACK
from service_core.wire.values import WireType

__all__ = [
    "CHANGES_PAGE",
    "CODECS",
    "CONTEXT_HEADERS",
    "CONTRACT_MISMATCH",
    "CORRELATION_ID",
    "DEADLINE_MS",
    "ITEM_TIMEOUTS_MS",
    "JSON",
    "LARGE",
    "MAX_VALUES",
    "MSGPACK",
    "Codec",
    "DeclaredError",
    "MalformedData",
    "MethodCodec",
    "TooManyValues",
    "USUAL_FORMS",
    "WireError",
    "WireRequest",
    "ResultType",
    "WireType",
    "call_headers",
    "check_value",
    "context_from_headers",
    "context_of",
    "error_from_wire",
    "error_to_wire",
    "item_timeouts_ms",
    "json_holds_more",
    "milliseconds_left",
    "misfit",
    "read_json",
    "token_error",
    "unexpected_form",
    "usual_context",
    "with_deadline",
]
