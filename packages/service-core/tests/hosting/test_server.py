"""The server as the core sees it."""

from __future__ import annotations

import ipaddress
from concurrent.futures import ThreadPoolExecutor

import pytest

from service_core import LocalServiceException
from service_core.hosting.server import Server, ServerAddress, check_scheme


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
def test_a_url_tells_how_the_server_is_spoken_to(
    scheme: str, host: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Server, "scheme", scheme)
    monkeypatch.setattr(Server, "host", host)
    assert Server.get_url(8000) == url


@pytest.mark.parametrize("host", ["127.0.0.9", "127.0.0.1", "localhost", "[::1]"])
def test_plain_addresses_of_an_encrypted_server_are_refused(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "scheme", "https")
    monkeypatch.setattr(Server, "host", "127.0.0.9")
    monkeypatch.setattr(Server, "port", 8443)
    with pytest.raises(LocalServiceException) as caught:
        check_scheme(f"http://{host}:8443/x", "A.b")
    assert str(caught.value) == (
        f"A.b says http://{host}:8443/x, but the server speaks https only; use Server.get_url(port), which is right "
        f"with and without TLS"
    )


@pytest.mark.parametrize(
    "uri", ["https://127.0.0.9:8443", "http://127.0.0.9:80", "http://proxy:8443", "http://127.0.0.9:x", "local", ""]
)
def test_other_addresses_are_left_alone(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "scheme", "https")
    monkeypatch.setattr(Server, "host", "127.0.0.9")
    monkeypatch.setattr(Server, "port", 8443)
    check_scheme(uri, "A.b")


def test_a_plain_server_may_be_behind_one_that_encrypts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "scheme", "http")
    monkeypatch.setattr(Server, "host", "127.0.0.9")
    monkeypatch.setattr(Server, "port", 8000)
    check_scheme("http://127.0.0.9:8000", "A.b")
    check_scheme("https://127.0.0.9:8000", "A.b")


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
