"""Real gateways: nginx and HAProxy, from PATH or from Debian's archive, in front of servers on loopback."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Self

from tests.support.consul import free_ports
from tests.support.debian import cache_folder, release_of_this_machine, unpack
from tests.support.waiting import PATIENCE

__all__ = ["Gateway", "HAProxy", "Nginx"]


class Gateway:
    """One gateway process, which sends requests in turn to servers on ports of loopback."""

    program = ""
    reload_signal = signal.SIGHUP

    def __init__(self, folder: Path, ports: Sequence[int], *, read_timeout: int = 30) -> None:
        """``read_timeout`` is the time in seconds that a server may take for an answer."""
        self.folder = folder
        (self.port,) = free_ports(1)
        self._configuration = folder / f"{self.program}.conf"
        self._configuration.write_text(self.configuration(ports, read_timeout), encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def configuration(self, ports: Sequence[int], read_timeout: int) -> str:
        raise NotImplementedError

    def command(self, program: Path, configuration: Path) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        """Start it, and wait until it accepts connections. Raises RuntimeError with its log if it ends instead."""
        program, environment = _program(self.program)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(program, self._configuration), env=environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE
        while not _accepts(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.program} did not start:\n{(self.folder / 'log').read_text()}")
            time.sleep(0.02)

    def reload(self) -> None:
        """Let it read its configuration again: new workers take over, the old ones end with their connections."""
        self._running.send_signal(self.reload_signal)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it, at once and with its connections."""
        process, self._process = self._running, None
        process.send_signal(number)
        process.wait(PATIENCE)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process is not None:
            self.stop()

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self.program} has not been started")
        return self._process


class Nginx(Gateway):
    """nginx with the settings that the documentation names."""

    program = "nginx"

    def configuration(self, ports: Sequence[int], read_timeout: int) -> str:
        servers = " ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in ports)
        folders = " ".join(
            f"{name}_temp_path {self.folder / name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root;" if os.geteuid() == 0 else ""
        return f"""
daemon off; worker_processes 1; pid {self.folder / "nginx.pid"}; {user}
events {{ worker_connections 512; }}
http {{
  access_log off; {folders}
  upstream servers {{ {servers} keepalive 16; keepalive_timeout 5s; }}
  server {{
    listen 127.0.0.1:{self.port};
    client_max_body_size 16m;
    location / {{
      proxy_pass http://servers;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_connect_timeout 2s;
      proxy_read_timeout {read_timeout}s;
    }}
  }}
}}
"""

    def command(self, program: Path, configuration: Path) -> list[str]:
        return [str(program), "-e", str(self.folder / "log"), "-p", str(self.folder), "-c", str(configuration)]


class HAProxy(Gateway):
    """HAProxy with the settings that the documentation names."""

    program = "haproxy"
    reload_signal = signal.SIGUSR2

    def configuration(self, ports: Sequence[int], read_timeout: int) -> str:
        servers = "\n".join(f"  server s{port} 127.0.0.1:{port} check inter 200ms" for port in ports)
        return f"""
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server {read_timeout}s
  option redispatch
  retry-on conn-failure
frontend callers
  bind 127.0.0.1:{self.port}
  default_backend servers
backend servers
  option httpchk GET /health/live
{servers}
"""

    def command(self, program: Path, configuration: Path) -> list[str]:
        return [str(program), "-W", "-db", "-f", str(configuration)]


@cache
def _program(name: str) -> tuple[Path, dict[str, str]]:
    """The path of a gateway's program, and the environment that it runs in."""
    on_path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if on_path:
        return Path(on_path), dict(os.environ)
    release = release_of_this_machine()
    unpacked = cache_folder() / f"gateways-{release}"
    if not unpacked.exists():
        unpack([Nginx.program, HAProxy.program], release=release, into=unpacked, with_dependencies=True)
    libraries = os.pathsep.join(str(folder) for folder in (unpacked / "usr" / "lib").glob("*-linux-gnu"))
    return unpacked / "usr" / "sbin" / name, {**os.environ, "LD_LIBRARY_PATH": libraries}


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False
