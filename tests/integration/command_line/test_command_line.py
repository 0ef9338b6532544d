"""The command ``service`` as a process: against the demo, through Consul, and as a server itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.consul import ConsulAgent

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
SHOP = Path(__file__).parents[3] / "packages" / "service-cli" / "tests"
SERVICE = [sys.executable, "-m", "service_cli"]
COMPONENT = "library-component"


@contextmanager
def program(*command: str, folder: Path = EXAMPLES) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running server and its URL, the last word of its first line."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=folder, env={**os.environ, "COLUMNS": "200"}
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().split()[-1]
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def agent() -> Iterator[ConsulAgent]:
    with ConsulAgent() as agent:
        yield agent


@pytest.fixture(scope="module")
def url(agent: ConsulAgent) -> Iterator[str]:
    """The demo's server, registered with Consul."""
    with program(sys.executable, "server.py", "--port", "0", "--consul", agent.url) as (_, url):
        yield url


def service(*words: str) -> str:
    done = subprocess.run([*SERVICE, *words], capture_output=True, text=True, cwd=EXAMPLES, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_instances_that_consul_knows_are_listed_and_called(agent: ConsulAgent, url: str) -> None:
    at_consul = ("--consul", agent.url)
    [instance] = json.loads(service("list", *at_consul, "--json"))
    assert (instance["component"], instance["health"]) == (COMPONENT, "ok")
    assert instance["url"].rpartition(":")[2] == url.rpartition(":")[2]

    assert "README.md" in json.loads(service("call", COMPONENT, "documents", *at_consul, "--json"))


@pytest.mark.parametrize("channel", ["dispatch-json", "dispatch-msgpack"])
def test_the_items_of_a_stream_are_written_one_by_one(url: str, channel: str) -> None:
    written = service("call", url, "lines", "name=README.md", "--channel", channel, "--json").splitlines()

    readme = EXAMPLES.parents[1] / "README.md"
    assert [json.loads(line) for line in written] == readme.read_text(encoding="utf-8").splitlines()


def test_a_module_is_served_until_a_signal() -> None:
    with program(*SERVICE, "run", "order_shop:ShopModule", "--port", "0", folder=SHOP) as (process, url):
        assert "shop" in service("describe", url)

        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
