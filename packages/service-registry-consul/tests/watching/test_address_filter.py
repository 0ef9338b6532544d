from __future__ import annotations

import ipaddress

import pytest

from service_registry_consul import ConsulSettings
from service_registry_consul.watching.address_filter import AddressFilter

DEFAULT = AddressFilter.of(ConsulSettings())
INTRANET = AddressFilter(schemes=frozenset({"http"}), networks=(ipaddress.ip_network("10.1.0.0/16"),))


@pytest.mark.parametrize(
    "uri",
    [
        "http://10.0.0.7:8000",
        "https://host.example:443/prefix",
        "http://localhost",
        "http://[2001:db8::1]:80/a,b?c=d",
        "HTTP://127.0.0.1:1",
    ],
)
def test_addresses_of_instances_may_be_called(uri: str) -> None:
    assert DEFAULT.objection(uri) is None


@pytest.mark.parametrize(
    ("uri", "objection"),
    [
        ("file:///etc/passwd", "scheme 'file' is not allowed"),
        ("gopher://h:1", "scheme 'gopher' is not allowed"),
        ("//h:1", "scheme '' is not allowed"),
        ("", "scheme '' is not allowed"),
        ("http://user:secret@h:1", "it holds credentials"),
        ("http://user@h:1", "it holds credentials"),
        ("http://@h:1", "it holds credentials"),
        ("http://", "it names no host"),
        ("http:///path", "it names no host"),
        ("http://h:99999", "it is not a URL (Port out of range 0-65535)"),
        ("http://h:x", "it is not a URL"),
        ("http://[::1", "it is not a URL (Invalid IPv6 URL)"),
        ("http://h:1/a b", "characters that are not allowed in a URL"),
        ("http://h:1/\r\nHost: x", "characters that are not allowed in a URL"),
        ("http://h\\@evil:1", "characters that are not allowed in a URL"),
        ("http://①②⑦.0.0.1", "characters that are not allowed in a URL"),
        ("http://169.254.169.254/latest", "metadata or link-local"),
        ("http://169.254.169.254.", "metadata or link-local"),
        ("http://2852039166", "host 169.254.169.254 is a metadata or link-local address"),
        ("http://0xa9fea9fe", "metadata or link-local"),
        ("http://0xa9.0xfe.43518", "metadata or link-local"),
        ("http://0251.0376.0251.0376", "metadata or link-local"),
        ("http://[::ffff:169.254.169.254]", "metadata or link-local"),
        ("http://[fe80::1%25eth0]", "metadata or link-local"),
        ("http://[fd00:ec2::254]", "metadata or link-local"),
        ("http://100.100.100.200", "metadata or link-local"),
        ("http://metadata.google.internal", "is a metadata service"),
        ("http://METADATA.google.internal.", "is a metadata service"),
        ("http://0.0.0.0:8000", "not an address of an instance"),
        ("http://0", "not an address of an instance"),
        ("http://[::]:8000", "not an address of an instance"),
        ("http://224.0.0.1", "not an address of an instance"),
    ],
)
def test_others_must_not(uri: str, objection: str) -> None:
    found = DEFAULT.objection(uri)
    assert found is not None
    assert objection in found
    assert "secret" not in found


@pytest.mark.parametrize("uri", ["http://10.1.2.3:80", "http://[::ffff:10.1.2.3]"])
def test_an_address_in_an_allowed_network_may_be_called(uri: str) -> None:
    assert INTRANET.objection(uri) is None


@pytest.mark.parametrize(
    ("uri", "objection"),
    [
        ("http://10.2.0.1", "host 10.2.0.1 is in none of the allowed networks"),
        ("http://[2001:db8::1]", "is in none of the allowed networks"),
        ("http://host.example", "host 'host.example' is a name"),
        ("https://10.1.2.3", "scheme 'https' is not allowed"),
    ],
)
def test_with_allowed_networks_all_else_is_refused(uri: str, objection: str) -> None:
    found = INTRANET.objection(uri)
    assert found is not None
    assert objection in found


def test_a_network_that_is_allowed_does_not_open_metadata_services() -> None:
    everywhere = AddressFilter(schemes=frozenset({"http"}), networks=(ipaddress.ip_network("0.0.0.0/0"),))
    assert everywhere.objection("http://169.254.169.254") is not None
