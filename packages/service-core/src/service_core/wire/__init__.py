"""The wire contract: how a call and its outcome become bytes and headers, and how they are read again.

Everything here is a pure function of its arguments: no sockets, no threads, no clocks.
"""

from service_core.wire.codec import CODECS, JSON, MSGPACK, Codec, MalformedData, WireRequest, read_json
from service_core.wire.failure import WireError, error_from_wire, error_to_wire, token_error
from service_core.wire.headers import (
    CONTEXT_HEADERS,
    CORRELATION_ID,
    DEADLINE_MS,
    context_from_headers,
    context_to_headers,
)
from service_core.wire.plan import MethodPlan
from service_core.wire.values import WireType, validation_details

__all__ = [
    "CODECS",
    "CONTEXT_HEADERS",
    "CORRELATION_ID",
    "DEADLINE_MS",
    "JSON",
    "MSGPACK",
    "Codec",
    "MalformedData",
    "MethodPlan",
    "WireError",
    "WireRequest",
    "WireType",
    "context_from_headers",
    "context_to_headers",
    "error_from_wire",
    "error_to_wire",
    "read_json",
    "token_error",
    "validation_details",
]
