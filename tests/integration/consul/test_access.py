"""Tokens, certificates, a client object; and what is said when they are wrong."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import consul as consul_client
import pytest
import trustme

from service_core.addresses import ChannelAddress
from service_core.testing import fresh_component
from service_registry_consul import ConsulComponentRegistry, ConsulSettings
from tests.integration.consul.parts import MakeRegistry, address_of, urls
from tests.support.consul import ConsulAgent, free_ports
from tests.support.health_server import HealthServer
from tests.support.waiting import PATIENCE, eventually

MASTER = "b1gs33cr3t-0000-0000-0000-000000000000"
ACL = f'-hcl=acl {{ enabled = true default_policy = "deny" tokens {{ master = "{MASTER}" }} }}'
RULES = 'service_prefix "" { policy = "write" } node_prefix "" { policy = "read" }'


@pytest.fixture
def guarded_consul() -> Iterator[ConsulAgent]:
    """A Consul that refuses requests without a token."""
    with ConsulAgent(ACL, token=MASTER) as agent:
        eventually(lambda: _answers(agent))
        yield agent


def _answers(agent: ConsulAgent) -> bool:
    try:
        return bool(agent.request("GET", "/v1/acl/tokens"))
    except OSError:
        return False  # the access control is not up yet


def make_token(agent: ConsulAgent) -> str:
    policy = agent.request("PUT", "/v1/acl/policy", {"Name": "components", "Rules": RULES})
    token: str = agent.request("PUT", "/v1/acl/token", {"Policies": [{"ID": policy["ID"]}]})["SecretID"]
    return token


def test_a_token_opens_and_is_never_logged(
    guarded_consul: ConsulAgent, make_registry: MakeRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    component, token = fresh_component(), make_token(guarded_consul)
    with HealthServer() as server, caplog.at_level(logging.DEBUG):
        host = make_registry(guarded_consul, server.port, token=token)
        host.register(component, [address_of(server)], health="/health")
        caller = make_registry(guarded_consul, token=token)
        assert urls(caller.wait_for(component, PATIENCE)) == {server.url}
        host.close()
        assert guarded_consul.instances(component.name) == []
    assert token not in caplog.text
    assert token not in repr(vars(host))


def test_a_wrong_token_is_a_warning_that_names_the_setting(
    guarded_consul: ConsulAgent, make_registry: MakeRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    component = fresh_component()
    with HealthServer() as server:
        registry = make_registry(guarded_consul, server.port, token="00000000-0000-0000-0000-00000000dead")
        registry.register(component, [address_of(server)])
        registry.snapshot(component.name)
        eventually(lambda: registry.status().last_error)
        eventually(lambda: "setting 'token' (SERVICE_CONSUL_TOKEN or CONSUL_HTTP_TOKEN)" in caplog.text)
        assert not registry.status().connected
        assert "0000dead" not in caplog.text


def test_a_token_that_becomes_valid_ends_the_failure(guarded_consul: ConsulAgent, make_registry: MakeRegistry) -> None:
    component, secret = fresh_component(), "11111111-1111-1111-1111-111111111111"
    with HealthServer() as server:
        registry = make_registry(guarded_consul, server.port, token=secret, reconcile_interval=1.0)
        registry.register(component, [address_of(server)])
        eventually(lambda: registry.status().last_error)
        policy = guarded_consul.request("PUT", "/v1/acl/policy", {"Name": "components", "Rules": RULES})
        guarded_consul.request("PUT", "/v1/acl/token", {"SecretID": secret, "Policies": [{"ID": policy["ID"]}]})
        assert urls(registry.wait_for(component, PATIENCE)) == {server.url}
        eventually(lambda: registry.status().connected)


def test_a_wrong_address_is_a_warning_that_names_the_setting(
    make_registry: MakeRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    [port] = free_ports(1)
    component = fresh_component()
    registry = make_registry(f"http://127.0.0.1:{port}", 8000)
    registry.register(component, [ChannelAddress("rest", "http://127.0.0.1:8000")])
    registry.snapshot(component.name)
    eventually(lambda: not registry.status().connected and registry.status().last_error)
    eventually(lambda: "setting 'url' (SERVICE_CONSUL_URL or CONSUL_HTTP_ADDR)" in caplog.text)
    assert f"http://127.0.0.1:{port}" in caplog.text


@pytest.mark.filterwarnings("ignore::DeprecationWarning:consul")  # python-consul2 warns about itself
def test_the_address_of_consul_comes_from_a_client_object(
    guarded_consul: ConsulAgent, make_registry: MakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    component, token = fresh_component(), make_token(guarded_consul)
    client = consul_client.Consul(guarded_consul.host, guarded_consul.port, token=token, dc="dc1")
    # Read by the package when a client is made; the address that was given must not be replaced later.
    monkeypatch.setenv("CONSUL_HTTP_ADDR", "127.0.0.1:1")
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", "wrong")
    with HealthServer() as server, ConsulComponentRegistry(server.port, client) as registry:
        registry.register(component, [address_of(server)])
        assert urls(registry.wait_for(component, PATIENCE)) == {server.url}


def test_the_address_of_consul_comes_from_the_environment(
    guarded_consul: ConsulAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONSUL_HTTP_ADDR", guarded_consul.url)
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", make_token(guarded_consul))
    component = fresh_component()
    with HealthServer() as server, ConsulComponentRegistry(server.port) as registry:
        registry.register(component, [address_of(server)])
        assert urls(registry.wait_for(component, PATIENCE)) == {server.url}


@pytest.fixture
def certificates(tmp_path: Path) -> dict[str, Path]:
    """The files of a CA, of a server and of a client."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    files = {"ca": tmp_path / "ca.pem"}
    for name, identity in (("server", "127.0.0.1"), ("client", "client@example.org")):
        certificate = authority.issue_cert(identity)
        certificate.private_key_pem.write_to_path(tmp_path / f"{name}.key")
        certificate.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.pem")
        files |= {name: tmp_path / f"{name}.pem", f"{name}_key": tmp_path / f"{name}.key"}
    for path in files.values():
        path.chmod(0o644)
    return files


@pytest.fixture
def tls_port(certificates: dict[str, Path]) -> Iterator[int]:
    """The port of a Consul that demands certificates from its clients."""
    [port] = free_ports(1)
    settings = {
        "ports": {"https": port},
        "ca_file": str(certificates["ca"]),
        "cert_file": str(certificates["server"]),
        "key_file": str(certificates["server_key"]),
        "verify_incoming_https": True,
    }
    with ConsulAgent(f"-hcl={json.dumps(settings)}", folder=certificates["ca"].parent):
        yield port


def test_certificates_of_both_sides_are_used(tls_port: int, certificates: dict[str, Path]) -> None:
    component = fresh_component()
    settings = ConsulSettings(
        url=f"https://127.0.0.1:{tls_port}",
        ca_file=certificates["ca"],
        cert_file=certificates["client"],
        key_file=certificates["client_key"],
    )
    with HealthServer() as server, ConsulComponentRegistry(server.port, settings) as registry:
        registry.register(component, [address_of(server)])
        assert urls(registry.wait_for(component, PATIENCE)) == {server.url}


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")  # said by urllib3, rightly
def test_an_unknown_authority_is_not_trusted_by_default(tls_port: int, certificates: dict[str, Path]) -> None:
    component, url = fresh_component(), f"https://127.0.0.1:{tls_port}"
    client = {"cert_file": certificates["client"], "key_file": certificates["client_key"]}
    with HealthServer() as server:
        with ConsulComponentRegistry(server.port, url, **client) as registry:
            registry.register(component, [address_of(server)])
            registry.snapshot(component.name)
            error = eventually(lambda: registry.status().last_error)
            assert error is not None
            assert "CERTIFICATE_VERIFY_FAILED" in error
            assert "ca_file" in error
        with ConsulComponentRegistry(server.port, url, **client, verify=False) as registry:
            registry.register(component, [address_of(server)])
            assert urls(registry.wait_for(component, PATIENCE)) == {server.url}


def test_certificates_that_cannot_be_read_are_a_warning_that_names_the_settings(
    make_registry: MakeRegistry, tmp_path: Path
) -> None:
    registry = make_registry("https://127.0.0.1:1", ca_file=tmp_path / "absent.pem")
    registry.snapshot("any")
    error = eventually(lambda: registry.status().last_error)
    assert error is not None
    assert "check settings 'ca_file', 'cert_file' and 'key_file'" in error
