"""Registration of encrypted servers with a real Consul, and calls to what is found there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from service_core import ComponentRegistry, Server, ServiceManager
from service_core.di import create, module
from service_registry_consul import ConsulComponentRegistry
from service_server_fastapi import FastAPIServer, ServerSettings
from tests.integration.tls.safe import SafeComponent, SafeService
from tests.support.certificates import Authority
from tests.support.consul import ConsulAgent
from tests.support.waiting import PATIENCE, eventually

COMPONENT = "safe-component"

Serve = Callable[..., FastAPIServer]


@pytest.fixture
def consul() -> Iterator[ConsulAgent]:
    with ConsulAgent() as agent:
        yield agent


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """One that the channels of this process believe."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("SERVICE_HTTP_CA_FILE", str(authority.file))
    return authority


@pytest.fixture
def serve(consul: ConsulAgent, authority: Authority) -> Iterator[Serve]:
    """Starts a server that registers itself there, with its settings and the options of its registry."""
    files = authority.issue("server", "127.0.0.1")
    with ExitStack() as stack:

        def start(settings: dict[str, Any], **options: Any) -> FastAPIServer:
            @module()
            class RegisteredModule:
                @create()
                def create_registry(self) -> ComponentRegistry:
                    return ConsulComponentRegistry(Server.port, consul.url, check_interval=1.0, **options)

            tls = ServerSettings(host="127.0.0.1", port=0, cert_file=files.cert, key_file=files.key, **settings)
            server = stack.enter_context(FastAPIServer(settings=tls))
            server.boot(RegisteredModule)
            return server

        yield start


def check(consul: ConsulAgent) -> dict[str, Any]:
    """The check of the one registration, as the agent itself knows it: what it says reaches others later."""
    [found] = eventually(lambda: list(consul.request("GET", "/v1/agent/checks").values()))
    assert found["ServiceName"] == COMPONENT
    return dict(found)


def call(consul: ConsulAgent) -> str:
    """Call the service as a client that knows nothing but Consul."""
    with ServiceManager(ConsulComponentRegistry(0, consul.url)) as manager:
        manager.wait_for(SafeComponent, timeout=PATIENCE)
        return manager.get_service(SafeService).open(7)


def test_an_encrypted_server_is_checked_by_consul_and_called(consul: ConsulAgent, serve: Serve) -> None:
    server = serve({}, check_any_certificate=True)
    assert check(consul)["Status"] == "passing"
    eventually(lambda: check(consul)["Output"])  # the agent has asked by itself
    found = check(consul)
    assert (found["Type"], found["Status"]) == ("http", "passing")
    assert f"HTTP GET {server.url}/safe-health: 200 OK" in found["Output"]
    assert call(consul) == "gold 7"


def test_an_agent_that_does_not_trust_the_authority_reports_that(consul: ConsulAgent, serve: Serve) -> None:
    serve({})
    assert check(consul)["Status"] == "critical"
    eventually(lambda: "x509: certificate signed by unknown authority" in check(consul)["Output"])


def test_a_server_that_requires_certificates_reports_its_health_itself(
    consul: ConsulAgent, serve: Serve, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = authority.issue("client", "client@example.org")
    monkeypatch.setenv("SERVICE_HTTP_CERT_FILE", str(client.cert))
    monkeypatch.setenv("SERVICE_HTTP_KEY_FILE", str(client.key))
    serve({"client_ca_file": authority.file}, check="ttl", ttl=3.0)
    eventually(lambda: check(consul)["Status"] == "passing")
    assert check(consul)["Type"] == "ttl"
    assert call(consul) == "gold 7"
