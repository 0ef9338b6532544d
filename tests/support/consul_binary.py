"""Finds a Consul program, or fetches one: ``python -m tests.support.consul_binary`` prints its path.

In this order: ``$CONSUL_BIN``, ``consul`` on PATH, the cache, Debian's archive (version 1.8.7, from bullseye; later
releases have none).
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tests.support.debian import cache_folder, unpack

__all__ = ["consul_binary"]


def consul_binary() -> Path:
    """The path of a Consul program. Raises RuntimeError that says what to do if there is none to be had."""
    given = os.environ.get("CONSUL_BIN")
    if given:
        if not os.access(given, os.X_OK):
            raise RuntimeError(f"CONSUL_BIN={given} is no program")
        return Path(given)
    on_path = shutil.which("consul")
    if on_path:
        return Path(on_path)
    unpacked = cache_folder() / "consul-bullseye"
    if not unpacked.exists():
        try:
            unpack(["consul"], release="bullseye", into=unpacked)
        except RuntimeError as error:
            raise RuntimeError(f"{error}; put a consul program on PATH, or its path into CONSUL_BIN") from error
    return unpacked / "usr" / "bin" / "consul"


if __name__ == "__main__":
    sys.stdout.write(f"{consul_binary()}\n")
