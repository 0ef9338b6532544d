"""gevent: sync calls of a client wait without holding the other greenlets up; a server refuses to start."""

from __future__ import annotations

import subprocess
import sys

from tests.ecosystem.shop import stock_server
from tests.integration.lifecycle.fleet import ROOT

CLIENT = """
from gevent import monkey; monkey.patch_all()
import gevent, sys
from service_core import ServiceManager, StaticComponentRegistry
from tests.ecosystem.shop import Stock
registry = StaticComponentRegistry({"stock-component": {"dispatch-json": sys.argv[1]}})
with ServiceManager(registry) as manager:
    stock = manager.get_service(Stock)
    jobs = [gevent.spawn(stock.count, "x" * number) for number in range(10)]
    gevent.joinall(jobs, timeout=60, raise_error=True)
    print([job.value for job in jobs])
"""
SERVER = """
from gevent import monkey; monkey.patch_all()
from tests.ecosystem.shop import stock_server
with stock_server():
    pass
"""


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", "-c", program, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_greenlets_of_a_client_call_at_once() -> None:
    with stock_server() as server:
        ended = run(CLIENT, server.url)
    assert ended.stdout == f"{list(range(10))}\n", ended.stderr


def test_a_server_refuses_to_start_with_greenlets_for_threads() -> None:
    ended = run(SERVER)
    assert ended.returncode == 1
    assert "gevent has replaced the threads of this process" in ended.stderr.splitlines()[-1]
