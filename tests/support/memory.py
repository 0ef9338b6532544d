"""How much memory another process has, as the kernel counts it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["MB", "peak_memory", "resident_memory"]

MB: Final = 1 << 20


def resident_memory(process: int) -> int:
    """Bytes of memory that a process has in use now."""
    return _status(process, "VmRSS")


def peak_memory(process: int) -> int:
    """The most bytes of memory that a process has ever had in use."""
    return _status(process, "VmHWM")


def _status(process: int, name: str) -> int:
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
