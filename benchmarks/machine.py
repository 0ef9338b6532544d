"""On what it was measured."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks.environments import PEERS

__all__ = ["machine", "sentence"]

_PACKAGES: Final = ("service-core", "pydantic", "pydantic-core", "msgpack", "httpx", "uvicorn", "uvloop", "fastapi")


def machine() -> dict[str, Any]:
    """The machine, the interpreter and the versions, as JSON-like data."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": _cpu(),
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {name: version(name) for name in _PACKAGES},
        "peers": {peer: list(packages) for peer, packages in PEERS.items()},
    }


def sentence(facts: dict[str, Any]) -> str:
    """The same for a heading."""
    apart = ", client and server on a CPU each" if facts.get("apart") else ""
    return (
        f"{facts['cpu']}, {facts['cpus']} CPUs{apart} (load {facts['load']} at the start), {facts['system']}, "
        f"{facts['python']}, pydantic {facts['packages']['pydantic']}, uvicorn {facts['packages']['uvicorn']}"
    )


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return models[0] if models else platform.machine()
