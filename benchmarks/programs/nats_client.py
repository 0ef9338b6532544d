# mypy: ignore-errors
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
"""Requests to a NATS micro service."""

from __future__ import annotations

import asyncio
import sys

import msgpack
import nats
import nats.errors

from benchmarks.programs.nats_values import PERSON_TYPE
from benchmarks.programs.orders import CallAsync, measure_calls
from benchmarks.programs.person import PERSON


def main() -> None:
    """Take orders."""
    target = f"nats://{sys.argv[1].removeprefix('http://')}"
    person = PERSON_TYPE.validate_python(PERSON)
    connection = None

    async def request(subject, content):
        nonlocal connection
        if connection is None:
            connection = await _connected(target)
        return msgpack.unpackb((await connection.request(f"benchmark.{subject}", content, timeout=30)).data)

    async def hello():
        return await request("hello", msgpack.packb("world"))

    async def model():
        content = msgpack.packb(PERSON_TYPE.dump_python(person))
        return PERSON_TYPE.validate_python(await request("model", content))

    def make(_case: str, _size: int):
        raise ValueError("NATS has no sync client")

    def make_async(case: str, _size: int) -> CallAsync:
        return {"hello": hello, "model": model}[case]

    measure_calls(make, make_async)


async def _connected(target):
    """A connection, as soon as the service answers: the broker does earlier."""
    connection = await nats.connect(target)
    for _ in range(300):
        try:
            await connection.request("benchmark.hello", msgpack.packb("world"), timeout=30)
        except nats.errors.NoRespondersError:
            await asyncio.sleep(0.1)
        else:
            break
    return connection


if __name__ == "__main__":
    main()
