"""Which calls go through a proxy of the environment."""

from __future__ import annotations

import pytest
from scripted_server import Received, serving
from shop_interface import CALLS, Call, bound, shop_over

from service_channels_http import DispatchJSONChannel
from service_channels_http.transport.proxies import proxy_for
from service_core import LocalServiceException, ServiceCommunicationException


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@proxy.example:3128")


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        ("", "10.1.2.3", False),
        ("*", "10.1.2.3", True),
        ("localhost,10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("fd00::/8", "fd00::1", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3:80", "10.1.2.3", True),
        ("10.1.2.3:81", "10.1.2.3", False),
        ("example", "shop.example", True),
        (".example", "shop.example", True),
        (".example", "example", False),
        ("ample", "shop.example", False),
        ("SHOP.example:80", "shop.EXAMPLE", True),
    ],
)
def test_no_proxy_exempts_hosts_names_below_them_ports_and_networks(
    no_proxy: str, host: str, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert (proxy_for("http", host, 80) is None) is direct


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_never_goes_through_a_proxy_of_the_environment(host: str) -> None:
    assert proxy_for("http", host, 80) is None


@pytest.mark.parametrize("value", ["socks5://proxy.example:1080", "http://", "http://proxy.example:port"])
def test_a_proxy_that_is_none_of_http_is_refused_with_the_name_of_its_variable(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", value)
    with pytest.raises(LocalServiceException, match="variable HTTP_PROXY is not the address of an HTTP proxy"):
        proxy_for("http", "shop.example", 80)


@pytest.mark.parametrize("call", CALLS)
def test_an_answer_of_a_proxy_is_named_as_that(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(request: Received) -> None:
        request.answer(403, b"<title>Access Denied</title>", "text/html")

    with serving(refuse) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//user:secret@"))
        channel = bound(DispatchJSONChannel(), "http://shop.invalid:81")
        with pytest.raises(ServiceCommunicationException) as caught:
            call(shop_over(channel), "place", {"number": 1})
        channel.close()
    address = proxy.url.removeprefix("http://")
    assert f"through the HTTP proxy {address} (HTTP_PROXY): HTTP 403" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.may_have_run
