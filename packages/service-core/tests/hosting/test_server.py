"""The server as the core sees it."""

from __future__ import annotations

import ipaddress
from concurrent.futures import ThreadPoolExecutor

import pytest

from service_core import LocalServiceException
from service_core.hosting.server import Server, ServerAddress, check_address


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::"])
def test_a_server_on_all_addresses_is_reached_under_one_that_stays_the_same(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Server, "host", host)
    address = Server.get_local_ip()
    assert not ipaddress.ip_address(address).is_unspecified
    assert Server.get_local_ip() is address


def test_a_server_on_one_address_is_reached_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "host", "127.0.0.9")
    assert Server.get_local_ip() == "127.0.0.9"


@pytest.mark.parametrize(
    ("scheme", "host", "url"),
    [
        ("http", "127.0.0.9", "http://127.0.0.9:8000"),
        ("https", "127.0.0.9", "https://127.0.0.9:8000"),
        ("https", "::1", "https://[::1]:8000"),
        ("http", "shop.example.org", "http://shop.example.org:8000"),
    ],
)
def test_a_url_has_the_scheme_of_the_server(scheme: str, host: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "scheme", scheme)
    monkeypatch.setattr(Server, "host", host)
    assert Server.get_url(8000) == url


@pytest.mark.parametrize("host", ["127.0.0.9", "127.0.0.1", "localhost", "[::1]"])
def test_plain_addresses_of_an_encrypted_server_are_refused(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "scheme", "https")
    monkeypatch.setattr(Server, "host", "127.0.0.9")
    monkeypatch.setattr(Server, "port", 8443)
    with pytest.raises(LocalServiceException) as caught:
        check_address(f"http://{host}:8443/x", "A.b")
    assert str(caught.value) == (
        f"A.b says http://{host}:8443/x, but the server speaks https only; use Server.get_url(port), which is right "
        f"with and without TLS and for Unix sockets"
    )


def test_a_server_on_a_unix_socket_has_a_url_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "_last", ServerAddress())  # restored at the end
    with Server.booting(ServerAddress(uds="/run/shop/a b.sock", path="/api")):
        assert Server.get_url(0) == "http+unix://%2Frun%2Fshop%2Fa%20b.sock/api"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_ports_of_a_server_on_a_unix_socket_are_refused(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "_last", ServerAddress())
    with Server.booting(ServerAddress(uds="/run/a.sock")):
        uri = f"{scheme}://{Server.get_local_ip()}:0"
        with pytest.raises(LocalServiceException) as caught:
            check_address(uri, "A.b")
        assert str(caught.value) == (
            f"A.b says {uri}, but the server listens on the Unix socket /run/a.sock only; use Server.get_url(port), "
            f"which is right with and without TLS and for Unix sockets"
        )
        check_address(Server.get_url(0), "A.b")
        check_address("http://proxy:8000", "A.b")


@pytest.mark.parametrize(
    "uri", ["https://127.0.0.9:8443", "http://127.0.0.9:80", "http://proxy:8443", "http://127.0.0.9:x", "local", ""]
)
def test_other_addresses_are_left_alone(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "scheme", "https")
    monkeypatch.setattr(Server, "host", "127.0.0.9")
    monkeypatch.setattr(Server, "port", 8443)
    check_address(uri, "A.b")


def test_a_plain_server_may_be_behind_one_that_encrypts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "scheme", "http")
    monkeypatch.setattr(Server, "host", "127.0.0.9")
    monkeypatch.setattr(Server, "port", 8000)
    check_address("http://127.0.0.9:8000", "A.b")
    check_address("https://127.0.0.9:8000", "A.b")


def test_a_server_that_boots_sees_its_own_address_whatever_another_thread_does() -> None:
    first, second = ServerAddress(host="127.0.0.1", port=1), ServerAddress(host="127.0.0.2", port=2, scheme="https")
    with Server.booting(first):
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(_seen_while_booting, second).result(10) == (2, "127.0.0.2", "https")
        assert (Server.port, Server.get_url(Server.port)) == (1, "http://127.0.0.1:1")
    assert Server.port == 2


def _seen_while_booting(address: ServerAddress) -> tuple[int, str, str]:
    with Server.booting(address):
        return Server.port, Server.host, Server.scheme
