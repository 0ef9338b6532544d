"""Which addresses the engine takes, and which connections it keeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from service_channels_http.transport.engine.idle import IdleConnections
from service_channels_http.transport.engine.origin import Origin, split
from service_channels_http.transport.tls.context import ClientTLS

TLS = ClientTLS()


class Waiting:
    """A connection that only waits."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self.fresh = True
        self.closed = False

    def is_fresh(self) -> bool:
        return self.fresh

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("address", "host", "port", "authority"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1", 8000, "127.0.0.1:8000"),
        ("http://Example.org", "Example.org", 80, "example.org"),
        ("http://example.org:80", "example.org", 80, "example.org"),
        ("http://[::1]:8000", "::1", 8000, "[::1]:8000"),
        ("http://[fe80::1]", "fe80::1", 80, "[fe80::1]"),
        ("http://my_service.local:81", "my_service.local", 81, "my_service.local:81"),
    ],
)
def test_an_origin_is_host_and_port(address: str, host: str, port: int, authority: str) -> None:
    origin = Origin.parse(address, TLS)
    assert origin is not None
    assert (origin.host, origin.port, origin.authority, origin.tls) == (host, port, authority, None)


def test_https_has_another_port_and_checks_names() -> None:
    origin = Origin.parse("https://example.org", TLS)
    assert origin is not None
    assert (origin.port, origin.authority) == (443, "example.org")
    assert origin.tls is not None
    assert origin.tls.check_hostname


@pytest.mark.parametrize(
    "address",
    [
        "ftp://example.org",
        "file:///etc/passwd",
        "http://user:secret@example.org",
        "http://example.org:99999",
        "http://example.org:port",
        "http://[::1",
        "http://exämple.org",
        "http://example.org?x",
        "http:// example.org",
        "http://",
        "",
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_httpx(address: str) -> None:
    assert Origin.parse(address, TLS) is None


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://h:1/invoke", ("http://h:1", "/invoke")),
        ("https://h/a/b?c=d", ("https://h", "/a/b?c=d")),
        ("http://h", ("http://h", "/")),
        ("http://h/a/~b%20c/d;e=f", ("http://h", "/a/~b%20c/d;e=f")),
        ("http://h/a b", ("http://h", "")),
        ("http://h/a<b>", ("http://h", "")),
        ("http://h/a`b", ("http://h", "")),
        ("http://h/a/../b", ("http://h", "")),
        ("http://h/a/.", ("http://h", "")),
        ("http://h/ä", ("http://h", "")),
        ("http://h/a#b", ("http://h", "")),
        ("http://h/a\r\nx: y", ("http://h", "")),
    ],
)
def test_an_address_is_an_origin_and_a_target_that_can_be_written_as_it_is(url: str, parts: tuple[str, str]) -> None:
    assert split(url) == parts


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_what_goes_through_a_proxy_is_left_to_httpx(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:3128")
    assert Origin.parse("http://example.org", TLS) is None
    monkeypatch.setenv("no_proxy", "example.org")
    assert Origin.parse("http://example.org", TLS) is not None


@pytest.mark.parametrize(
    ("no_proxy", "host", "is_direct"),
    [
        ("example.org", "www.Example.org", True),
        ("example.org", "notexample.org", False),
        (".example.org", "www.example.org", True),
        (".example.org", "example.org", False),
        ("a.b, Example.org", "example.org", True),
        ("example.org:81", "example.org", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("*", "example.org", True),
        (",", "example.org", False),
    ],
)
def test_what_no_proxy_exempts_is_sent_by_the_engine(
    no_proxy: str, host: str, is_direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:3128")
    monkeypatch.setenv("no_proxy", no_proxy)
    assert (Origin.parse(f"http://{host}", TLS) is not None) == is_direct


def test_the_connection_that_was_used_last_is_used_first() -> None:
    idle: IdleConnections[Waiting] = IdleConnections(limit=10, expiry=60)
    one, other = Waiting(), Waiting()
    idle.put(one)
    idle.put(other)
    assert [idle.take(), idle.take(), idle.take()] == [other, one, None]


def test_a_connection_that_is_stale_is_closed_and_the_next_one_used() -> None:
    idle: IdleConnections[Waiting] = IdleConnections(limit=10, expiry=60)
    good, stale = Waiting(), Waiting()
    idle.put(good)
    idle.put(stale)
    stale.fresh = False
    assert idle.take() is good
    assert stale.closed


def test_a_connection_that_has_waited_too_long_is_not_used() -> None:
    idle: IdleConnections[Waiting] = IdleConnections(limit=10, expiry=4.0)
    old = Waiting()
    idle.put(old)
    old.idle_since = time.monotonic() - 4.0
    assert idle.take() is None
    assert old.closed


def test_unused_connections_are_closed_gradually() -> None:
    idle: IdleConnections[Waiting] = IdleConnections(limit=10, expiry=4.0)
    old, used = Waiting(), Waiting()
    idle.put(old)
    old.idle_since -= 4.0
    idle.put(used)
    assert (old.closed, used.closed) == (True, False)


def test_no_more_connections_are_kept_than_the_limit() -> None:
    idle: IdleConnections[Waiting] = IdleConnections(limit=2, expiry=None)
    waiting = [Waiting() for _ in range(3)]
    for connection in waiting:
        idle.put(connection)
    assert [connection.closed for connection in waiting] == [True, False, False]


def test_closing_closes_all() -> None:
    idle: IdleConnections[Waiting] = IdleConnections(limit=None, expiry=None)
    waiting = [Waiting() for _ in range(3)]
    for connection in waiting:
        idle.put(connection)
    idle.close()
    assert all(connection.closed for connection in waiting)
    assert idle.is_empty()


def test_what_is_put_there_after_closing_is_closed() -> None:
    idle: IdleConnections[Waiting] = IdleConnections(limit=None, expiry=None)
    idle.close()
    late = Waiting()
    idle.put(late)
    assert late.closed
    assert idle.is_empty()


def test_a_connection_that_is_no_longer_usable_is_closed_before_it_is_leased() -> None:
    idle: IdleConnections[Waiting] = IdleConnections(limit=None, expiry=4.0)
    one, old, other, stale = (Waiting() for _ in range(4))
    for connection in (one, old, other, stale):
        idle.put(connection)
    old.idle_since -= 4.0
    stale.fresh = False
    idle.close_unusable()
    assert [connection.closed for connection in (one, old, other, stale)] == [False, True, False, True]
    assert [idle.take(), idle.take(), idle.take()] == [other, one, None]


class Watched(Waiting):
    """Another thread acts as soon as it is read."""

    def __init__(self, happens: Callable[[], None]) -> None:
        super().__init__()
        self._happens = happens

    def __getattribute__(self, name: str) -> Any:
        if name == "idle_since":
            self._happens()
        return super().__getattribute__(name)


@pytest.mark.parametrize("look", [lambda idle: idle.put(Waiting()), IdleConnections.close_unusable])
def test_what_is_being_looked_at_while_all_are_closed_is_closed_too(
    look: Callable[[IdleConnections[Waiting]], None],
) -> None:
    idle: IdleConnections[Waiting] = IdleConnections(limit=None, expiry=None)
    watched = Watched(idle.close)
    idle.put(watched)
    look(idle)
    assert watched.closed
    assert idle.is_empty()
