"""The demo service does what its OpenAPI document says, whatever it is sent."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SERVER = Path(__file__).parents[3] / "docs" / "examples" / "server.py"

HOOKS = """
import json
import schemathesis
from hypothesis import Phase, settings

settings.register_profile("untargeted", phases=[Phase.explicit, Phase.generate])
settings.load_profile("untargeted")

@schemathesis.deserializer("application/x-ndjson")
def lines(context, response):
    return [json.loads(line) for line in response.content.splitlines() if line]
"""
"""Reads the answers of a route that is a stream, so that they are validated.

Without ``Phase.target``, in which Hypothesis raises an IndexError of its own where an input that is accepted has fewer
parts than the one before it, as a path parameter has.
"""


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
    # Names of documents are tried again as arguments, so the choice changes with each page that is written; whether it
    # repeats itself too often says nothing about the server.
    options.append("--suppress-health-check=filter_too_much")
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", *options]
    hooks = tmp_path / "hooks.py"
    hooks.write_text(HOOKS, encoding="utf-8")
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": str(hooks)}
    run = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path, env=environment
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Tested: 4" in run.stdout
    assert "No issues found" in run.stdout
