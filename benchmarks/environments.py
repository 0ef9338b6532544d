"""Environments for the peers, each made once and kept: they cannot be installed beside ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

__all__ = ["PEERS", "python_of"]

PEERS: Final = {
    "aspyx": ("aspyx-service==0.11.6",),
    "grpc": ("grpcio>=1.80", "grpcio-tools>=1.80"),
    "connect": ("connectrpc>=0.13", "protobuf>=6", "grpcio>=1.80", "grpcio-tools>=1.80", "uvicorn[standard]>=0.54"),
    "pyro5": ("Pyro5>=5.15", "msgpack>=1.1"),
    "nats": ("nats-py>=2.11", "msgpack>=1.1", "pydantic>=2.12"),
}
"""What is installed for a peer."""


def python_of(peer: str) -> str:
    """The interpreter of a peer's environment, which is made if need be; ours if it is none of the peers."""
    packages = PEERS.get(peer)
    return sys.executable if packages is None else _environment(peer, packages)


def _environment(peer: str, packages: Sequence[str]) -> str:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = _cache_folder() / f"{peer}-{version}"
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / Path(sys.executable).name
    ready = folder / "ready"
    if not ready.exists() or ready.read_text() != " ".join(packages):
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        _install(python, packages)
        ready.write_text(" ".join(packages))
    return str(python)


def _install(python: Path, packages: Sequence[str]) -> None:
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", *packages]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"pip could not install {' '.join(packages)}: {done.stderr.strip()}")


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "service-benchmarks"
