"""What ``import service_core`` leaves for later."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys

before = set(sys.modules)
import service_core

print(*set(sys.modules) - before)
"""


def test_what_not_every_program_needs_is_not_imported_with_the_package() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    imported = set(done.stdout.split())
    assert "service_core.calling.proxy" in imported
    assert not imported & {"asyncio", "dishka", "importlib.metadata", "msgpack", "pydantic", "ssl"}
