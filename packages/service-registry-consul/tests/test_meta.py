from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_core.addresses import ChannelAddress
from service_core.errors import LocalServiceException
from service_registry_consul import ConsulSettings
from service_registry_consul.meta import read_channels, read_metadata, write_channels

JSON = ChannelAddress("dispatch-json", "http://10.0.0.7:8000")
REST = ChannelAddress("rest", "http://10.0.0.7:8000/api")
CONSULS_KEY = re.compile(r"[a-zA-Z0-9_-]{1,128}")
"""What Consul takes as a key (agent/structs, validateMetaPair)."""


def long_address(name: str, length: int = 200) -> ChannelAddress:
    return ChannelAddress(name, f"http://10.0.0.7:8000/{'x' * (length - 21)}")


def test_few_addresses_are_written_as_aspyx_service_writes_them() -> None:
    assert write_channels([JSON, REST]) == {
        "channels": "dispatch-json(http://10.0.0.7:8000),rest(http://10.0.0.7:8000/api)"
    }


def test_what_is_not_about_channels_is_metadata() -> None:
    meta = write_channels([long_address("one"), long_address("two"), long_address("three")])
    assert read_metadata({**meta, "zone": "a"}) == {"zone": "a"}


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"channels": "x"}, "'channels' cannot be a key"),
        ({"channel-rest": "x"}, "'channel-rest' cannot be a key"),
        ({"a zone": "x"}, "'a zone' cannot be a key"),
        ({"zone": "x" * 513}, "the value of 'zone' is longer than the 512 bytes"),
    ],
)
def test_metadata_that_consul_would_not_keep_is_refused(metadata: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ConsulSettings(metadata=metadata)


def test_512_characters_are_few_enough() -> None:
    fitting = ChannelAddress("rest", "http://h/" + "x" * (512 - len("rest(http://h/)")))
    assert list(write_channels([fitting])) == ["channels"]
    assert "channel-rest" in write_channels([ChannelAddress("rest", fitting.uri + "x")])


def test_many_addresses_get_an_entry_each_and_as_many_as_fit_stand_together() -> None:
    addresses = [long_address("one"), long_address("two"), long_address("three"), JSON]
    meta = write_channels(addresses)
    assert meta == {
        "channels": f"one({addresses[0].uri}),two({addresses[1].uri}),{JSON.channel}({JSON.uri})",
        "channel-one": addresses[0].uri,
        "channel-two": addresses[1].uri,
        "channel-three": addresses[2].uri,
        "channel-dispatch-json": JSON.uri,
    }


def test_both_forms_are_read_and_the_preferred_channel_comes_first() -> None:
    meta = {"channels": "two(http://h:2)", "channel-one": "http://h:1", "channel-two": "http://h:2"}
    assert read_channels(meta) == [ChannelAddress("two", "http://h:2"), ChannelAddress("one", "http://h:1")]


def test_entries_with_a_dot_are_read_although_consul_takes_none() -> None:
    assert read_channels({"channel.rest": "http://h:1"}) == [ChannelAddress("rest", "http://h:1")]


@pytest.mark.parametrize("meta", [{}, {"channels": ""}, {"version": "3"}, {"channel": "x"}, {"channels-x": "y"}])
def test_what_names_no_channels_has_none(meta: dict[str, str]) -> None:
    assert read_channels(meta) == []


def test_a_text_that_cannot_be_read_is_refused_with_the_place() -> None:
    with pytest.raises(ValueError, match=r"expected 'channel\(uri\)' at 'malformed_answer'"):
        read_channels({"channels": "rest(http://h:1),malformed_answer"})


def test_a_comma_in_an_address_does_not_end_it() -> None:
    assert read_channels({"channels": "rest(http://h:1/a,b),x(http://h:2)"}) == [
        ChannelAddress("rest", "http://h:1/a,b"),
        ChannelAddress("x", "http://h:2"),
    ]
    assert read_channels({"channel-rest": "http://h:1/a,b"}) == [ChannelAddress("rest", "http://h:1/a,b")]


def test_an_address_that_is_too_long_is_refused() -> None:
    with pytest.raises(
        LocalServiceException, match=r"channel 'rest': its address has 600 characters, and Consul keeps"
    ):
        write_channels([long_address("rest", 600)])


def test_a_channel_whose_name_can_be_no_key_is_refused_when_it_must_be_one() -> None:
    odd = ChannelAddress("my.channel", JSON.uri)
    assert write_channels([odd]) == {"channels": f"my.channel({JSON.uri})"}
    with pytest.raises(LocalServiceException, match=r"channel 'my\.channel'.* use letters, digits, '-' and '_'"):
        write_channels([odd, *(long_address(str(n)) for n in range(4))])


@given(
    st.lists(
        st.builds(
            ChannelAddress,
            st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True),
            st.from_regex(r"http://[a-z]{1,9}:[1-9][0-9]{0,4}(/[a-z0-9,()._~-]{0,90})?", fullmatch=True),
        ),
        max_size=12,
        unique_by=lambda address: address.channel,
    )
)
def test_what_is_written_is_read_and_fits_into_consul(addresses: list[ChannelAddress]) -> None:
    meta = write_channels(addresses)
    assert set(read_channels(meta)) == set(addresses)
    assert all(CONSULS_KEY.fullmatch(key) and len(value) <= 512 for key, value in meta.items())
    if list(meta) == ["channels"]:
        assert read_channels(meta) == addresses
