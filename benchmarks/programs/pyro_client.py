# mypy: ignore-errors
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
"""Pyro5's client."""

from __future__ import annotations

import sys

import Pyro5.api

from benchmarks.programs.orders import Call, measure_calls
from benchmarks.programs.person import PERSON

Pyro5.config.SERIALIZER = "msgpack"


def main() -> None:
    """Take orders."""
    proxy = Pyro5.api.Proxy(f"PYRO:benchmark@{sys.argv[1].removeprefix('http://')}")

    def make(case: str, size: int) -> Call:
        calls = {"hello": lambda: proxy.hello("world"), "model": lambda: proxy.model(PERSON)}
        return calls[case]

    measure_calls(make)


if __name__ == "__main__":
    main()
