"""Real Consul servers for tests, alone or three together."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from tests.support.consul_backend import ConsulProcess, launch

__all__ = ["ConsulAgent", "consul_cluster", "free_ports"]

PATIENCE = 30.0
_HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Ports on which no process listens at the moment."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((host, 0))
        return [each.getsockname()[1] for each in sockets]


class ConsulAgent:
    """A Consul server on the loopback interface. It keeps its ports when it is started again, and nothing else.

    By default it is one in development mode, which leads at once and keeps its state in memory.
    """

    def __init__(
        self,
        *options: str,
        token: str | None = None,
        folder: Path | None = None,
        host: str = "127.0.0.1",
        alone: bool = True,
    ) -> None:
        """``options`` are added to the command line, and may name files in ``folder``.

        ``token`` is sent with the requests of this object. One that is not ``alone`` waits for others to join it.
        """
        self.host = host
        self.port, self.serf_port, self.wan_port, server_port = free_ports(4, host)
        self.token = token
        self._folder = folder
        self._process: ConsulProcess | None = None
        self.arguments = [
            "agent",
            *(["-dev"] if alone else []),
            f"-bind={host}",
            f"-client={host}",
            f"-http-port={self.port}",
            f"-server-port={server_port}",
            f"-serf-lan-port={self.serf_port}",
            f"-serf-wan-port={self.wan_port}",
            "-dns-port=-1",
            "-grpc-port=-1",
            *options,
        ]
        """Its command line, without the program."""

    @property
    def url(self) -> str:
        """The address of its HTTP API."""
        return f"http://{self.host}:{self.port}"

    def launch(self, *options: str) -> None:
        """Start it, without waiting."""
        self._process = launch([*self.arguments, *options], self._folder)

    def start(self) -> Self:
        """Start it, and wait until it knows a leader."""
        self.launch()
        self.wait_for_leader()
        return self

    def wait_for_leader(self) -> str:
        """Wait until it knows a leader; gives the leader's address, ``host:port``."""
        assert self._process is not None
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                leader: str = self.request("GET", "/v1/status/leader")
                if leader:
                    return leader
            time.sleep(0.02)
        raise RuntimeError(f"Consul at {self.url} has no leader:\n{self._process.output()[-3000:]}")

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash does."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Let it hang: it accepts connections and does nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def request(self, method: str, path: str, body: Any = None, timeout: float = 5.0) -> Any:
        """Ask its HTTP API; gives the decoded JSON. Raises OSError (urllib's HTTPError for a refusal)."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-Consul-Token": self.token} if self.token else {}
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        with _HTTP.open(request, timeout=timeout) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def instances(self, service: str) -> list[Any]:
        """What it tells about the instances of a service, in whatever state."""
        found: list[Any] = self.request("GET", f"/v1/health/service/{service}")
        return found

    def registered(self, **service: Any) -> None:
        """Register a service as another program would: fields as in its API."""
        self.request("PUT", "/v1/agent/service/register", service)

    def deregistered(self, service_id: str) -> None:
        """Deregister a service as another program would."""
        self.request("PUT", f"/v1/agent/service/deregister/{service_id}")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        if self._process is not None:
            self.kill()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.signal(number)

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.signal(number)
        self._process.wait()
        self._process = None


@contextlib.contextmanager
def consul_cluster() -> Iterator[list[ConsulAgent]]:
    """Three servers that have elected a leader, on 127.0.0.2 to 127.0.0.4."""
    with contextlib.ExitStack() as stack:
        agents = [
            ConsulAgent(
                "-server",
                "-bootstrap-expect=3",
                f"-node=server-{number}",
                f"-data-dir={stack.enter_context(_data_folder())}",
                "-hcl=performance { raft_multiplier = 1 }",
                host=f"127.0.0.{number}",
                alone=False,
            )
            for number in (2, 3, 4)
        ]
        joins = [f"-retry-join={agent.host}:{agent.serf_port}" for agent in agents]
        for agent in agents:
            agent.launch(*joins)
            stack.push(agent.__exit__)
        for agent in agents:
            agent.wait_for_leader()
        yield agents


@contextlib.contextmanager
def _data_folder() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="consul-data-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o777)
        yield folder
