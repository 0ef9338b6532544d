"""The recipes of the documentation, read from it and run as far as a machine without their tools can."""

from __future__ import annotations

import configparser
import contextlib
import functools
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from service_core import ServiceManager
from service_registry_consul import ConsulComponentRegistry
from service_server_fastapi import ServerSettings
from tests.integration.lifecycle.fleet import ROOT
from tests.integration.lifecycle.running import COMPONENT
from tests.support.consul import ConsulAgent, free_ports
from tests.support.gateways import Gateway, HAProxy, Nginx
from tests.support.recipes import recipe
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

_HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))
CALL = b'{"method":"lifecycle-component:lifecycle-work:work","args":[0.0]}'


@contextlib.contextmanager
def running(
    command: Sequence[str], variables: Mapping[str, str], consul: ConsulAgent, port: int, before: Sequence[str] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``python -m orders`` as a recipe says, with its variables, but at that port and agent."""
    assert list(command)[-2:] == ["-m", "orders"]
    assert Path(command[0]).name == "python"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)]),
        "SERVICE_SERVER_HOST": "127.0.0.1",
        "SERVICE_CONSUL_CHECK_INTERVAL": "1",
        **variables,
        "SERVICE_SERVER_PORT": str(port),
        "SERVICE_CONSUL_URL": consul.url,
    }
    process = subprocess.Popen([*before, sys.executable, *command[1:]], env=environment, cwd=ROOT, process_group=0)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def status(port: int, path: str, *, host: str = "", data: bytes | None = None) -> int:
    """The status of the answer to one request, 0 without one."""
    headers = {"content-type": "application/json", **({"host": host} if host else {})}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers)
    try:
        with _HTTP.open(request, timeout=20) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


def answers(port: int, path: str, host: str) -> bool:
    return status(port, path, host=host) == 200


def longest_stop(propagation_delay: float) -> float:
    settings = ServerSettings()
    return propagation_delay + settings.drain_timeout + settings.shutdown_timeout


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


def test_the_unit_of_systemd_is_valid_and_its_service_reports_start_and_stop(
    consul: ConsulAgent, port: int, tmp_path: Path
) -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(recipe("ini"))
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert float(service["TimeoutStopSec"]) > longest_stop(0.5)
    file = tmp_path / "orders.service"
    file.write_text(recipe("ini").replace("/srv/orders/.venv/bin/python", sys.executable), encoding="utf-8")
    verifier = shutil.which("systemd-analyze")
    if verifier:
        verified = subprocess.run([verifier, "verify", file], capture_output=True, text=True, check=False)
        assert (verified.returncode, verified.stderr) == (0, "")

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(60)
        manager.bind(str(tmp_path / "notify"))
        name, _, value = service["Environment"].partition("=")
        variables = {name: value, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        with running(shlex.split(service["ExecStart"]), variables, consul, port) as process:
            assert manager.recv(100) == b"READY=1"
            eventually(lambda: len(consul.instances(COMPONENT)) == 1)
            assert service["KillMode"] == "control-group"
            os.killpg(process.pid, signal.SIGTERM)
            assert manager.recv(100) == b"STOPPING=1"
            assert process.wait(float(service["TimeoutStopSec"])) == 0
    assert consul.instances(COMPONENT) == []


def test_the_command_of_the_image_runs_as_process_1_of_another_user_with_a_read_only_file_system(
    consul: ConsulAgent, port: int
) -> None:
    lines = [line.split(maxsplit=1) for line in recipe("dockerfile").splitlines()]
    instructions = dict(lines)
    user = int(instructions["USER"])
    assert user > 0
    # The user may read all files, as those of an image: an interpreter in the home of root is not for others.
    may = "--inh-caps +dac_read_search --ambient-caps +dac_read_search"
    inside = f'mount -o remount,bind,ro / && exec setpriv --reuid={user} --regid={user} --clear-groups {may} "$@"'
    container = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", inside, "-"]
    with running(json.loads(instructions["CMD"]), {}, consul, port, container) as process:
        eventually(lambda: len(consul.instances(COMPONENT)) == 1, time_limit=60)
        assert status(port, "/invoke", data=CALL) == 200
        first = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().strip()
        about = Path(f"/proc/{first}/status").read_text()
        assert re.search(r"^NSpid:\t\d+\t1$", about, re.MULTILINE)
        assert re.search(rf"^Uid:\t{user}\t", about, re.MULTILINE)
        os.kill(int(first), getattr(signal, instructions["STOPSIGNAL"]))
        assert process.wait(60) == 0
    assert consul.instances(COMPONENT) == []


def test_the_commands_of_compose_find_each_other(port: int) -> None:
    services = yaml.safe_load(recipe("yaml", "compose.yaml"))["services"]
    known = {"image", "command", "build", "read_only", "stop_grace_period", "depends_on", "environment"}
    assert all(set(service) <= known for service in services.values())
    grace = services["orders"]["stop_grace_period"]
    assert float(grace.removesuffix("s")) > longest_stop(0.5)
    variables = services["orders"]["environment"]
    assert all(isinstance(value, str) for value in variables.values())
    assert services["consul"]["command"].split() == ["agent", "-dev", "-client", "0.0.0.0"]
    assert variables.pop("SERVICE_CONSUL_URL") == "http://consul:8500"
    command = json.loads(recipe("dockerfile").splitlines()[-1].removeprefix("CMD "))
    consul = ConsulAgent("-client", "0.0.0.0")
    with contextlib.ExitStack() as stack:
        stack.enter_context(running(command, variables, consul, port))
        stack.enter_context(consul)  # later than the server
        manager = stack.enter_context(ServiceManager(ConsulComponentRegistry(0, consul.url)))
        manager.component_registry.wait_for(COMPONENT, 60)


def test_the_manifests_of_kubernetes_have_probes_that_answer_and_time_to_stop(consul: ConsulAgent, port: int) -> None:
    deployment, service = yaml.safe_load_all(recipe("yaml", "orders.yaml"))
    assert (deployment["kind"], service["kind"]) == ("Deployment", "Service")
    pod = deployment["spec"]["template"]
    [container] = pod["spec"]["containers"]
    assert pod["metadata"]["labels"] == deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"]
    variables: dict[str, Any] = {each["name"]: each["value"] for each in container["env"]}
    delay = float(variables["SERVICE_SERVER_PROPAGATION_DELAY"])
    assert pod["spec"]["terminationGracePeriodSeconds"] > longest_stop(delay)
    kinds = ("livenessProbe", "readinessProbe", "startupProbe")
    probes = {kind: container[kind]["httpGet"] for kind in kinds}
    ports = {probe["port"] for probe in probes.values()} | {each["containerPort"] for each in container["ports"]}
    assert ports == {int(variables["SERVICE_SERVER_PORT"])} == {each["targetPort"] for each in service["spec"]["ports"]}
    with running(container["args"], variables, consul, port) as process:
        for probe in probes.values():  # the kubelet's requests name the address of the pod
            eventually(functools.partial(answers, port, probe["path"], "10.1.2.3:8000"), time_limit=60)
        name = service["metadata"]["name"]
        assert status(port, "/invoke", host=name, data=CALL) == 200
        assert status(port, "/invoke", host="other.example.org", data=CALL) == 421
        begin = time.monotonic()
        os.killpg(process.pid, signal.SIGTERM)
        eventually(lambda: status(port, probes["readinessProbe"]["path"]) == 503)
        assert status(port, probes["livenessProbe"]["path"]) == 200
        assert status(port, "/invoke", host=name, data=CALL) == 200  # as long as endpoints are updated
        assert process.wait(60) == 0
        assert time.monotonic() - begin >= delay


class DocumentedNginx(Nginx):
    """With the block of the documentation."""

    def configuration(self, ports: Sequence[int], read_timeout: int) -> str:
        [port] = ports
        lines = super().configuration(ports, read_timeout).splitlines()
        start = next(number for number, line in enumerate(lines) if "upstream" in line)
        block = recipe("nginx").replace("127.0.0.1:8000", f"127.0.0.1:{port}")
        return "\n".join([*lines[:start], block.replace("listen 80;", f"listen 127.0.0.1:{self.port};"), "}"])


class DocumentedHAProxy(HAProxy):
    """With the sections of the documentation."""

    def configuration(self, ports: Sequence[int], read_timeout: int) -> str:
        [port] = ports
        defaults = super().configuration(ports, read_timeout).partition("  option redispatch")[0]
        sections = recipe("haproxy").replace("127.0.0.1:8000", f"127.0.0.1:{port}")
        return defaults + sections.replace("bind :80", f"bind 127.0.0.1:{self.port}") + "\n"


@pytest.mark.parametrize("gateway", [DocumentedNginx, DocumentedHAProxy])
def test_calls_pass_the_gateways_until_the_server_has_stopped(
    gateway: type[Gateway], consul: ConsulAgent, port: int, tmp_path: Path
) -> None:
    variables = {"SERVICE_SERVER_PROPAGATION_DELAY": "3"}
    with running(["python", "-m", "orders"], variables, consul, port) as process:
        eventually(lambda: status(port, "/health/ready") == 200, time_limit=60)
        with gateway(tmp_path, [port]) as before:
            eventually(lambda: status(before.port, "/invoke", data=CALL) == 200)
            assert {status(before.port, "/invoke", data=CALL) for _ in range(40)} == {200}
            os.killpg(process.pid, signal.SIGTERM)
            eventually(lambda: status(port, "/health/ready") == 503)
            assert status(before.port, "/invoke", data=CALL) == 200  # calls are accepted during the delay
            assert process.wait(60) == 0
            assert status(before.port, "/invoke", data=CALL) in (502, 503)
