"""Child processes of servers and of clients."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.lifecycle.conftest import MakeServer
from tests.integration.lifecycle.fleet import ROOT
from tests.support.consul import ConsulAgent
from tests.support.figures import Figures
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_method_of_a_server_may_use_pools_and_terminate_children(method: str, figures: Figures) -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-m", "tests.integration.lifecycle.children", method]
    begin = time.monotonic()
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert ended.stdout.splitlines() == [
        "pool: [1, 4, 9]",
        f"terminated: {-signal.SIGTERM}",
        "called from a child: [16]",
        "ready: True",
        "shutdown",  # once: in no child
    ], ended.stderr
    assert ended.returncode == 0
    figures.add(f"multiprocessing inside a server, {method}: boot to stop", time.monotonic() - begin, "s")


@contextmanager
def prefork(consul: ConsulAgent, workers: int) -> Iterator[list[str]]:
    """A program with so many forked workers; the lines that it has written so far."""
    lines: list[str] = []
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-m", "tests.integration.lifecycle.prefork", str(workers)],
        cwd=ROOT,
        env={**os.environ, "SERVICE_CONSUL_URL": consul.url},
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    assert process.stdout is not None
    reader = threading.Thread(target=_read, args=(process.stdout, lines))
    reader.start()
    try:
        yield lines
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        reader.join()
        process.stdout.close()


def _read(stream: Iterator[str], lines: list[str]) -> None:
    lines.extend(line.rstrip() for line in stream)


def test_forked_workers_of_a_client_follow_a_server_that_moves(
    consul: ConsulAgent, make_server: MakeServer, figures: Figures
) -> None:
    first, second = make_server(), make_server()
    first.start()
    old = first.pid
    with prefork(consul, 2) as lines:
        eventually(lambda: len(_workers(lines, old)) == 2, time_limit=90)
        second.start()
        # Until both know both: a worker that gets no processor for longer than the propagation delay knows one.
        eventually(lambda: _workers(lines, second.pid) == _workers(lines, old), time_limit=90)
        first.stop()
        killed = min(_workers(lines, old))
        os.kill(killed, signal.SIGKILL)  # its successor is forked from a parent that has called long ago
        eventually(lambda: len(_workers(lines, second.pid)) == 3, time_limit=90)
        failures = [line for line in lines if line.startswith("failed")]
    figures.add("fork after use, the server moves: failed calls", len(failures))
    assert failures == []


def _workers(lines: list[str], server: int) -> set[int]:
    """The workers that this server has answered."""
    words = [line.split() for line in list(lines)]
    return {int(word[1]) for word in words if word[0] == "worker" and word[3] == str(server)}
