# mypy: ignore-errors
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
"""The clients of connectrpc, sync and async."""

from __future__ import annotations

import sys

from connectrpc.client import ConnectClient, ConnectClientSync
from connectrpc.compat import google_protobuf_binary_codec

from benchmarks.programs.connect_methods import HELLO, NUMBERS, protos
from benchmarks.programs.orders import Call, CallAsync, measure_calls

OPTIONS = {"codec": google_protobuf_binary_codec(), "send_compression": None, "accept_compression": ()}


def main() -> None:
    """Take orders."""
    sync = ConnectClientSync(sys.argv[1], **OPTIONS)
    asynchronous = None

    def make(case: str, size: int) -> Call:
        if case == "numbers":
            return lambda: _count(sync.execute_server_stream(request=protos.Count(count=size), method=NUMBERS))
        return lambda: sync.execute_unary(request=protos.Hello(message="world"), method=HELLO)

    def make_async(case: str, size: int) -> CallAsync:
        async def call():
            nonlocal asynchronous
            if asynchronous is None:
                asynchronous = ConnectClient(sys.argv[1], **OPTIONS)
            if case == "numbers":
                items = asynchronous.execute_server_stream(request=protos.Count(count=size), method=NUMBERS)
                return sum([1 async for _ in items])
            return await asynchronous.execute_unary(request=protos.Hello(message="world"), method=HELLO)

        return call

    measure_calls(make, make_async)


def _count(items) -> int:
    return sum(1 for _ in items)


if __name__ == "__main__":
    main()
