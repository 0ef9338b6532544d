"""Names of attributes and metrics: the semantic conventions for RPC of OpenTelemetry, and what they do not have."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from service_core import ErrorCode

_SYSTEM: Final = "rpc.system.name"
_METHOD: Final = "rpc.method"
STATUS_CODE: Final = "rpc.response.status_code"
ERROR_TYPE: Final = "error.type"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
CLIENT_DURATION: Final = "rpc.client.call.duration"
SERVER_DURATION: Final = "rpc.server.call.duration"

# Not part of the conventions.
CHANNEL: Final = "service.channel"
ATTEMPT: Final = "service.attempt"
CORRELATION_ATTRIBUTE: Final = "service.correlation_id"
CLIENT_IN_FLIGHT: Final = "service.client.calls.in_flight"
SERVER_IN_FLIGHT: Final = "service.server.calls.in_flight"

DURATION_BOUNDARIES: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Seconds; those that the conventions advise for both durations."""

SERVER_ERRORS: Final = frozenset(
    {ErrorCode.INTERNAL, ErrorCode.DEADLINE_EXCEEDED, ErrorCode.UNAVAILABLE, ErrorCode.UNIMPLEMENTED}
)
"""Codes that are failures of a server; the others are mistakes of a caller, or declared outcomes."""


def call_attributes(service: str, method: str) -> dict[str, str]:
    """What the spans and the metrics of a method have."""
    return {_SYSTEM: "service-core", _METHOD: f"{service}/{method}"}


_OK: Final[Mapping[str, str]] = MappingProxyType({STATUS_CODE: "ok"})


def outcome_attributes(code: ErrorCode | None, error: str) -> Mapping[str, str]:
    """What an outcome adds to them."""
    return _OK if code is None else {STATUS_CODE: code.value, ERROR_TYPE: error}
