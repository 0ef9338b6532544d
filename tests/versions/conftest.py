"""A server of each version, for all tests of this folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.versions.catalogs import SERVES

ROOT = Path(__file__).parents[2]


@contextmanager
def serving(version: str) -> Iterator[str]:
    """The URL of a process that serves the version."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.versions.serve"],
        cwd=ROOT,
        env={**os.environ, SERVES: version, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.stdin.close()
        server.wait(30)
        server.stdout.close()


@pytest.fixture(scope="session")
def urls() -> Iterator[dict[str, str]]:
    with ExitStack() as stack:
        yield {version: stack.enter_context(serving(version)) for version in ("old", "new")}
