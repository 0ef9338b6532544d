"""How addresses are written into a registry and read from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_core.declaring.address import ChannelAddress, format_addresses, parse_addresses

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
