"""The TCP ports on which this process listens, as the kernel lists them (Linux)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_LISTEN: Final = "0A"
"""The state of a socket that listens, in ``/proc/net/tcp``."""
_LOCAL, _STATE, _INODE = 1, 3, 9
"""Columns of that table."""


def listening_ports() -> frozenset[int]:
    """The ports of all sockets of this process that listen; empty where the system does not list them."""
    inodes = set(_inodes())
    return frozenset(
        int(row[_LOCAL].rpartition(":")[2], 16)
        for table in (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6"))
        if table.exists()
        for row in map(str.split, table.read_text(encoding="ascii").splitlines()[1:])
        if row[_STATE] == _LISTEN and row[_INODE] in inodes
    )


def _inodes() -> Iterator[str]:
    """The numbers of the sockets that this process has opened or inherited."""
    folder = "/proc/self/fd"
    for name in os.listdir(folder) if os.path.isdir(folder) else ():  # noqa: PTH112, PTH208 - one call for each file
        try:
            target = os.readlink(f"{folder}/{name}")  # noqa: PTH115
        except OSError:  # the descriptor of the listing itself
            continue
        if target.startswith("socket:["):
            yield target[len("socket:[") : -1]
