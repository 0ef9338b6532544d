"""The server as the core sees it."""

from __future__ import annotations

import ipaddress

import pytest

from service_core.server import Server


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
