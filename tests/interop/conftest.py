"""An environment with the peer, made once and kept."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

PEER_PACKAGE = "aspyx-service==0.11.6"


@pytest.fixture(scope="session")
def peer_python(pytestconfig: pytest.Config) -> str:
    """The interpreter of an environment that has aspyx-service, which cannot be installed beside ours."""
    folder = pytestconfig.cache.mkdir("peer") / PEER_PACKAGE.replace("==", "-")
    scripts = folder / ("Scripts" if sys.platform == "win32" else "bin")
    python = scripts / Path(sys.executable).name
    ready = folder / "ready"
    if not ready.exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", PEER_PACKAGE], check=True)
        ready.touch()
    return str(python)
