"""The server as the core sees it."""

from __future__ import annotations

import ipaddress

from service_core.server import Server


def test_the_local_address_is_one_and_stays_the_same() -> None:
    address = Server.get_local_ip()
    assert ipaddress.ip_address(address).version in (4, 6)
    assert Server.get_local_ip() is address
