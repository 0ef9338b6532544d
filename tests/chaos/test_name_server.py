"""A name server that does not answer: calls end at their deadlines, and so does the program."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from tests.chaos import silent_name_server
from tests.chaos.silent_name_server import DEADLINE
from tests.support.figures import Figures

IN_NAMESPACES: Final = ["unshare", "--map-root-user", "--mount", "--net", "sh", "-ec"]
"""Runs a script as root of namespaces of its own. Their network has only a loopback interface, which is down."""


def test_calls_end_at_their_deadlines_and_the_program_ends_after_them(figures: Figures, tmp_path: Path) -> None:
    configuration = tmp_path / "resolv.conf"
    configuration.write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:5\n", encoding="utf-8")
    program = f"exec '{sys.executable}' -m {silent_name_server.__name__}"
    script = f"mount --bind '{configuration}' /etc/resolv.conf; {program}"
    begin = time.monotonic()  # what waits for the resolver would take 150 s, by its configuration
    ended = subprocess.run([*IN_NAMESPACES, script], capture_output=True, text=True, timeout=100, check=False)
    whole = time.monotonic() - begin
    assert ended.returncode == 0, ended.stderr
    sync, asynchronous, queries = ended.stdout.split()
    assert int(queries) > 0
    assert float(sync) >= DEADLINE
    assert float(asynchronous) >= DEADLINE
    figures.add("name server silent, deadline 1 s: sync call ended after", float(sync), "s")
    figures.add("name server silent, deadline 1 s: async call ended after", float(asynchronous), "s")
    figures.add("name server silent, deadline 1 s, two calls: the whole program", whole, "s")
