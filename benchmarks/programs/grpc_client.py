# mypy: ignore-errors
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
"""gRPC's clients, sync and async."""

from __future__ import annotations

import sys

import grpc

from benchmarks.programs.orders import Call, CallAsync, measure_calls
from benchmarks.programs.person import PERSON

protos, services = grpc.protos_and_services("benchmarks/programs/grpc.proto")
OPTIONS = [("grpc.max_receive_message_length", -1)]


def main() -> None:
    """Take orders."""
    target = sys.argv[1].removeprefix("http://")
    sync_stub = services.BenchmarkStub(grpc.insecure_channel(target, options=OPTIONS))
    async_stub = None

    def make(case: str, size: int) -> Call:
        if case == "numbers":
            return lambda: sum(1 for _ in sync_stub.numbers(protos.Count(count=size)))
        return _call(sync_stub, case, size)

    def make_async(case: str, size: int) -> CallAsync:
        async def call():
            nonlocal async_stub
            if async_stub is None:
                async_stub = services.BenchmarkStub(grpc.aio.insecure_channel(target, options=OPTIONS))
            if case == "numbers":
                return await _read(async_stub, size)
            return await _call(async_stub, case, size)()

        return call

    measure_calls(make, make_async)


async def _read(stub, size: int) -> int:
    count = 0
    async for _ in stub.numbers(protos.Count(count=size)):
        count += 1
    return count


def _call(stub, case: str, size: int):
    if case == "hello":
        return lambda: stub.hello(protos.Hello(message="world"))
    if case == "model":
        person = protos.Person(**PERSON)
        return lambda: stub.model(person)
    if case == "models":
        people = protos.People(people=[protos.Person(**PERSON) for _ in range(size)])
        return lambda: stub.models(people)
    if case == "blob":
        blob = protos.Blob(data=bytes(size))
        return lambda: stub.blob(blob)
    raise ValueError(case)


if __name__ == "__main__":
    main()
