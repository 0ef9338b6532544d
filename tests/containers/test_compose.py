"""The recipe for compose in a Docker engine: started, called, stopped by ``docker stop``.

No registry of images is needed: the image of the server is empty, and shows the container this machine's interpreter,
libraries and sources.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from service_core import ServiceManager
from service_registry_consul import ConsulComponentRegistry
from tests.integration.lifecycle.fleet import ROOT
from tests.integration.lifecycle.running import COMPONENT
from tests.integration.lifecycle.work import WorkService
from tests.support.compose import compose_command
from tests.support.consul import ConsulAgent, free_ports
from tests.support.recipes import recipe
from tests.support.waiting import eventually

IMAGE = "service-tests/empty:local"
USER = "65534"


def docker(*arguments: str, data: bytes | None = None) -> bytes:
    return subprocess.run(["docker", *arguments], input=data, check=True, stdout=subprocess.PIPE).stdout


@pytest.fixture
def image() -> str:
    """An image with nothing but the links and the folders that programs expect."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in ("bin", "lib", "lib64", "sbin"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            tar.addfile(link)
    docker("import", "-", IMAGE, data=archive.getvalue())
    return IMAGE


def shown_folders() -> list[str]:
    """What a program of this environment needs, each at its own place and read-only."""
    folders = {"/usr", sys.base_prefix, sys.prefix, str(ROOT)}
    return [f"{folder}:{folder}:ro" for folder in sorted(folders)]


def adapted(image: str, port: int, consul: ConsulAgent) -> dict[str, Any]:
    """What differs on this machine: images, the network of the host, free ports."""
    instructions = dict(line.split(maxsplit=1) for line in recipe("dockerfile").splitlines())
    [_, *arguments] = json.loads(instructions["CMD"])
    assert instructions["USER"] == USER
    here = {"network_mode": "host"}
    variables = {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'integration' / 'lifecycle'}",
        "SERVICE_SERVER_HOST": "127.0.0.1",
        "SERVICE_SERVER_PORT": str(port),
        "SERVICE_CONSUL_URL": consul.url,
        "SERVICE_CONSUL_CHECK_INTERVAL": "1",
    }
    return {
        "services": {
            "consul": {**here, "image": os.environ["CONSUL_IMAGE"], "command": consul.arguments},
            "orders": {
                **here,
                "image": image,
                "user": USER,
                "volumes": shown_folders(),
                "working_dir": str(ROOT),
                "environment": variables,
                "command": [sys.executable, *arguments],
            },
        }
    }


@contextlib.contextmanager
def up(command: Sequence[str], folder: Path) -> Iterator[None]:
    """Run the services as long as the block lasts."""
    subprocess.run([*command, "up", "-d", "--no-build"], cwd=folder, check=True)
    try:
        yield
    finally:
        subprocess.run([*command, "logs", "orders"], cwd=folder, check=True)
        subprocess.run([*command, "down", "-t", "5"], cwd=folder, check=True)


def test_the_services_of_the_recipe_are_called_and_stop_in_order(image: str, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    consul = ConsulAgent()
    (tmp_path / "compose.yaml").write_text(recipe("yaml", "compose.yaml"), encoding="utf-8")
    (tmp_path / "here.json").write_text(json.dumps(adapted(image, port, consul)), encoding="utf-8")
    command = [*compose_command(), "-f", "compose.yaml", "-f", "here.json", "-p", f"recipe{port}"]
    with up(command, tmp_path):
        eventually(lambda: _registered(consul) == 1, time_limit=120)
        with ServiceManager(ConsulComponentRegistry(0, consul.url)) as manager:
            manager.wait_for(WorkService, 60)
            assert manager.get_service(WorkService, "dispatch-json").block(0.0) == 1  # process 1 of its container
        container = subprocess.check_output([*command, "ps", "-q", "orders"], cwd=tmp_path, text=True).strip()
        begin = time.monotonic()
        docker("stop", "--time", "45", container)
        assert time.monotonic() - begin < 45
        [state] = json.loads(docker("inspect", container))
        assert state["State"]["ExitCode"] == 0
        assert state["HostConfig"]["ReadonlyRootfs"]
        assert _registered(consul) == 0


def _registered(consul: ConsulAgent) -> int:
    try:
        return len(consul.instances(COMPONENT))
    except OSError:  # it starts
        return -1
