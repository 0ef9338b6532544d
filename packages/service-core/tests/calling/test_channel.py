"""What every channel has: a component, instances, and a way to choose among them."""

from __future__ import annotations

from typing import Any

import pytest

from service_core.addresses import ChannelInstances
from service_core.calling.channel import Channel
from service_core.calling.proxy import Invocation
from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import channel, service
from service_core.declaring.descriptors import ComponentDescriptor
from service_core.declaring.interfaces import Service
from service_core.declaring.policy import Policy
from service_core.errors import ComponentUnavailableException, LocalServiceException
from service_core.resilience.policies import Policies
from service_core.resilience.selectors import FirstURLSelector, RoundRobinURLSelector, URLSelector

CATALOG = Catalog()


@service(catalog=CATALOG)
class Orders(Service):
    def place(self) -> None: ...


@channel("plain", catalog=CATALOG)
class Plain(Channel):
    def invoke(self, invocation: Invocation) -> Any: ...

    async def invoke_async(self, invocation: Invocation) -> Any: ...


PLACE = CATALOG.service(Orders).methods["place"]
SHOP = ComponentDescriptor(name="shop", type=object, description="", services=())
TWO = ChannelInstances("shop", "plain", ("http://a", "http://b"))


@pytest.fixture
def plain() -> Plain:
    made = Plain()
    made.setup(SHOP, TWO)
    return made


def test_a_channel_belongs_to_one_component(plain: Plain) -> None:
    assert plain.component_descriptor is SHOP
    assert plain.address is TWO
    assert repr(plain) == "<channel 'plain' of shop>"


def test_a_channel_without_a_component_says_so() -> None:
    assert repr(Plain()) == "<channel 'plain' of no component>"
    with pytest.raises(LocalServiceException, match=r"^Plain is not bound to a component yet; call setup\(\) first$"):
        _ = Plain().component_descriptor


def test_without_instances_there_is_no_address(plain: Plain) -> None:
    plain.set_address(None)
    with pytest.raises(ComponentUnavailableException) as caught:
        plain.get_url()
    assert str(caught.value) == (
        "no instance of component 'shop' is registered for channel 'plain'; the call can be repeated when a server "
        "that hosts it is registered"
    )


def test_an_instance_that_stays_keeps_what_is_known_of_its_load(plain: Plain) -> None:
    stays = plain.balancer.endpoints[1]
    stays.in_flight = 3
    plain.set_address(ChannelInstances("shop", "plain", ("http://c", "http://b")))
    assert [endpoint.url for endpoint in plain.balancer.endpoints] == ["http://c", "http://b"]
    assert plain.balancer.endpoints[1] is stays


def test_the_ways_to_select(plain: Plain) -> None:
    plain.select_first_url()
    assert [plain.get_url() for _ in range(3)] == ["http://a"] * 3
    plain.select_round_robin()
    assert [plain.get_url() for _ in range(3)] == ["http://a", "http://b", "http://a"]
    plain.balancer.endpoints[0].in_flight = 5
    plain.select_least_loaded()
    assert [plain.get_url() for _ in range(3)] == ["http://b"] * 3


def test_a_selector_of_ones_own(plain: Plain) -> None:
    class Last(URLSelector):
        def select(self, endpoints: Any) -> Any:
            return endpoints[-1]

    plain.select_by(Last())
    assert plain.get_url() == "http://b"


def test_the_names_of_the_seed_are_aliases() -> None:
    assert Channel.URLSelector is URLSelector
    assert Channel.FirstURLSelector is FirstURLSelector
    assert Channel.RoundRobinURLSelector is RoundRobinURLSelector


def test_what_a_channel_sets_counts_field_by_field(plain: Plain) -> None:
    plain.policies = Policies(component=Policy(timeout=1.0), manager=Policy(timeout=2.0, max_attempts=7, backoff=0.5))
    plain.policy = Policy(timeout=3.0, max_attempts=2)
    policy = plain.policy_of(PLACE)
    assert (policy.timeout, policy.max_attempts, policy.backoff, policy.max_backoff) == (1.0, 2, 0.5, 1.0)
    assert plain.policy == Policy(timeout=3.0, max_attempts=2)


async def test_closing_in_a_loop_closes() -> None:
    closed = list[str]()

    class Closing(Plain):
        def close(self) -> None:
            closed.append("close")

    await Closing().aclose()
    assert closed == ["close"]
