"""The demo service does what its OpenAPI document says, whatever it is sent."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SERVER = Path(__file__).parents[3] / "docs" / "examples" / "server.py"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of the demo's server."""
    command = [sys.executable, str(SERVER), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


def test_schemathesis_finds_nothing(url: str, tmp_path: Path) -> None:
    """Wrong and right requests, single ones and sequences; the same ones each time."""
    options = ["--checks=all", "--max-examples=15", "--generation-deterministic", "--no-color"]
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", *options]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Tested: 3" in run.stdout
    assert "No issues found" in run.stdout
