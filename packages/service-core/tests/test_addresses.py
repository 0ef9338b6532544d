"""How addresses are written into a registry and read from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_core.addresses import (
    ChannelAddress,
    format_addresses,
    parse_addresses,
    unix_path,
    unix_url,
)

CHANNELS = st.from_regex(r"[a-z0-9_.-]+", fullmatch=True)
URIS = st.text() | st.lists(st.sampled_from(["%", "25", "28", "29", "2C", "2c", "(", ")", ",", "a"])).map("".join)
ADDRESSES = st.lists(st.builds(ChannelAddress, CHANNELS, URIS))


def test_addresses_are_written_as_aspyx_service_writes_them() -> None:
    addresses = [ChannelAddress("dispatch-json", "http://10.0.0.7:8000"), ChannelAddress("rest", "http://[::1]:80/a")]
    assert format_addresses(addresses) == "dispatch-json(http://10.0.0.7:8000),rest(http://[::1]:80/a)"


@given(ADDRESSES)
def test_what_was_written_is_read_back(addresses: list[ChannelAddress]) -> None:
    assert parse_addresses(format_addresses(addresses)) == addresses


def test_commas_and_parentheses_of_a_uri_are_escaped() -> None:
    assert format_addresses([ChannelAddress("rest", "http://h/(a,b)")]) == "rest(http://h/%28a%2Cb%29)"


def test_escapes_that_a_uri_has_itself_stay_what_they_are() -> None:
    address = ChannelAddress("rest", "http://h/a%2Cb%20c")
    assert format_addresses([address]) == "rest(http://h/a%252Cb%20c)"
    assert parse_addresses("rest(http://h/a%252Cb%20c)") == [address]


def test_a_comma_that_another_writer_did_not_escape_stays_in_the_uri() -> None:
    assert parse_addresses("rest(http://h/a,b),dispatch-json(http://h)") == [
        ChannelAddress("rest", "http://h/a,b"),
        ChannelAddress("dispatch-json", "http://h"),
    ]


def test_spaces_between_addresses_are_ignored() -> None:
    assert parse_addresses(" a(x) , b(y) ") == [ChannelAddress("a", "x"), ChannelAddress("b", "y")]


def test_no_text_means_no_addresses() -> None:
    assert parse_addresses("") == []


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("http://h:1", "'http://h:1'"),
        ("rest(http://h", "'rest(http://h'"),
        ("rest(a)b(c)", "'rest(a)b(c)'"),
        ("rest(a),,b(c)", "',b(c)'"),
        ("rest(a(b))", "'rest(a(b))'"),
        ("re st(a)", "'re st(a)'"),
        ("(a)", "'(a)'"),
        ("x" * 100, repr("x" * 60)),
    ],
)
def test_what_cannot_be_read_is_quoted(text: str, quoted: str) -> None:
    with pytest.raises(ValueError, match=r"^expected 'channel\(uri\)' at ") as caught:
        parse_addresses(text)
    assert str(caught.value) == f"expected 'channel(uri)' at {quoted}"


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1).filter(lambda it: it != ".")


@given(st.lists(NAMES, min_size=1))
def test_the_path_of_a_unix_socket_is_read_back_from_its_url(names: list[str]) -> None:
    path = "/" + "/".join(names)
    assert unix_path(unix_url(path)) == path
    assert unix_path(f"{unix_url(path)}/invoke?a=b") == path
    assert parse_addresses(format_addresses([ChannelAddress("rest", unix_url(path))]))[0].uri == unix_url(path)


def test_a_relative_path_of_a_unix_socket_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert unix_path(unix_url("a.sock")) == str(tmp_path / "a.sock")


@pytest.mark.parametrize(
    "url",
    ["http+unix://", "http+unix:///run/a.sock", "http+unix://run%2Fa", "http+unix://%2Frun%00a", "http+unix://%2"],
)
def test_a_url_without_the_path_of_a_unix_socket_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="write its absolute path percent-encoded") as caught:
        unix_path(url)
    assert url in str(caught.value)


def test_other_urls_name_no_unix_socket() -> None:
    assert unix_path("http://127.0.0.1:8000/%2Frun") is None
