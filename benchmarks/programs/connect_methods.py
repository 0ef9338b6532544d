# mypy: ignore-errors
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
"""What server and client of connectrpc share: the methods, without generated code."""

from __future__ import annotations

import grpc
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType

__all__ = ["HELLO", "NUMBERS", "SERVICE", "protos"]

SERVICE = "benchmark.Benchmark"
protos = grpc.protos("benchmarks/programs/grpc.proto")


def _method(name: str, given: type, returned: type, stream_type: StreamType) -> MethodInfo:
    return MethodInfo(
        name=name,
        service_name=SERVICE,
        input=given,
        output=returned,
        idempotency_level=IdempotencyLevel.UNKNOWN,
        stream_type=stream_type,
    )


HELLO = _method("hello", protos.Hello, protos.Hello, StreamType.UNARY)
NUMBERS = _method("numbers", protos.Count, protos.Number, StreamType.SERVER_STREAM)
