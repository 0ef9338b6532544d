"""Selectors that look at metadata or at the call, also with a thousand instances."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from service_core.call import Call
from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import service
from service_core.declaring.interfaces import Service
from service_core.resilience.load_balancer import LoadBalancer
from service_core.resilience.selectors import Endpoint, FirstURLSelector, URLSelector
from service_core.resilience.selectors.by_hash import HashURLSelector, SubsetURLSelector
from service_core.resilience.selectors.by_metadata import WeightedURLSelector, ZoneURLSelector

MANY = 1000
CATALOG = Catalog()


@service(catalog=CATALOG)
class Carts(Service):
    @abstractmethod
    def add(self, product: str, *, customer: str = "") -> None: ...

    @abstractmethod
    def count(self) -> int: ...


CARTS = CATALOG.service(Carts)


@pytest.fixture(autouse=True)
def repeatable() -> Iterator[None]:
    state = random.getstate()
    random.seed(7)
    yield
    random.setstate(state)


def call(method: str = "count", *args: Any, **kwargs: Any) -> Call:
    return Call(CARTS, CARTS.methods[method], args, kwargs)


def balanced(selector: URLSelector, count: int = MANY, **metadata: Any) -> LoadBalancer:
    """Instances 0 to ``count``; the metadata are functions of the number."""
    balancer = LoadBalancer()
    balancer.selector = selector
    urls = [f"http://h{number}" for number in range(count)]
    about = {url: {key: str(of(number)) for key, of in metadata.items()} for number, url in enumerate(urls)}
    balancer.update(urls, about)
    return balancer


def chosen(balancer: LoadBalancer, times: int = 5000) -> Counter[str]:
    return Counter(balancer.choose((), call()).url for _ in range(times))


def number(endpoint: Endpoint) -> int:
    return int(endpoint.url.removeprefix("http://h"))


def test_the_zone_comes_first() -> None:
    balancer = balanced(ZoneURLSelector("b"), zone=lambda number: "abc"[number % 3])
    assert {int(url[8:]) % 3 for url in chosen(balancer, 500)} == {1}


def test_without_an_instance_in_the_zone_all_are_used() -> None:
    balancer = balanced(ZoneURLSelector("elsewhere"), 10, zone=lambda number: "a")
    assert len(chosen(balancer, 500)) == 10


def test_when_all_of_the_zone_were_tried_another_zone_is_used() -> None:
    balancer = balanced(ZoneURLSelector("a", FirstURLSelector()), 3, zone=lambda number: "aab"[number])
    first = balancer.choose((), call())
    second = balancer.choose((first,), call())
    third = balancer.choose((first, second), call())
    assert [number(one) for one in (first, second, third)] == [0, 1, 2]


def test_calls_are_shared_by_weight() -> None:
    balancer = balanced(WeightedURLSelector(), 3, weight=lambda number: [90, 10, 0][number])
    counts = chosen(balancer, 10_000)
    assert 800 < counts["http://h1"] < 1200
    assert counts["http://h0"] + counts["http://h1"] == 10_000


@pytest.mark.parametrize("weight", ["much", "-1", "inf", "nan"])
def test_what_is_no_weight_is_one(weight: str) -> None:
    balancer = balanced(WeightedURLSelector(), 2, weight=lambda number: [weight, 1][number])
    counts = chosen(balancer, 1000)
    assert 400 < counts["http://h0"] < 600


def test_if_all_weights_are_zero_all_are_used() -> None:
    assert len(chosen(balanced(WeightedURLSelector(), 3, weight=lambda number: 0), 100)) == 3


def customer(balancer: LoadBalancer, name: str, tried: tuple[Endpoint, ...] = ()) -> Endpoint:
    return balancer.choose(tried, call("add", "p", customer=name))


def test_a_key_belongs_to_one_instance_for_all_clients() -> None:
    one, other = balanced(HashURLSelector("customer")), balanced(HashURLSelector("customer"))
    for name in map(str, range(200)):
        assert customer(one, name).url == customer(one, name).url == customer(other, name).url


def test_keys_are_spread_over_all_instances() -> None:
    balancer = balanced(HashURLSelector("customer"), 10)
    counts = Counter(customer(balancer, str(name)).url for name in range(5000))
    assert len(counts) == 10
    assert max(counts.values()) < 2 * min(counts.values())


def test_an_instance_that_leaves_moves_its_own_keys_only() -> None:
    balancer = balanced(HashURLSelector("customer"), 100)
    before = {name: customer(balancer, name).url for name in map(str, range(1000))}
    balancer.update([one.url for one in balancer.endpoints[1:]])
    after = {name: customer(balancer, name).url for name in before}
    assert {url for name, url in before.items() if after[name] != url} == {"http://h0"}


def test_a_key_whose_instance_was_tried_goes_to_another_one() -> None:
    balancer = balanced(HashURLSelector("customer"))
    first = customer(balancer, "ann")
    second = customer(balancer, "ann", (first,))
    assert second is not first
    assert second is customer(balancer, "ann", (first,))


def test_a_key_may_be_given_by_place_and_be_missing() -> None:
    by_product = balanced(HashURLSelector("product"), 10)
    urls = {by_product.choose((), call("add", "apple")).url for _ in range(20)}
    urls |= {by_product.choose((), call("add", product="apple")).url for _ in range(20)}
    assert len(urls) == 1
    by_customer = balanced(HashURLSelector("customer"), 10)
    assert len({by_customer.choose((), call("add", "apple")).url for _ in range(200)}) == 10
    assert len(chosen(by_customer, 200)) == 10


def test_a_client_uses_a_part_of_a_large_fleet() -> None:
    balancer = balanced(SubsetURLSelector(20))
    assert len(chosen(balancer)) == 20


def test_all_instances_are_in_the_subsets_of_some_clients() -> None:
    used = Counter[str]()
    for client in range(100):
        used.update(set(chosen(balanced(SubsetURLSelector(10, client=str(client)), 50), 200)))
    assert len(used) == 50
    assert max(used.values()) <= 40


def test_an_instance_that_comes_changes_at_most_one_of_a_subset() -> None:
    balancer = balanced(SubsetURLSelector(20, client="me"))
    before = set(chosen(balancer))
    balancer.update([*(one.url for one in balancer.endpoints), "http://h1000"])
    assert len(before - set(chosen(balancer))) <= 1


def test_a_subset_whose_members_were_tried_is_filled_up() -> None:
    balancer = balanced(SubsetURLSelector(2, client="me"), 5)
    tried = tuple(balancer.endpoints[:4])
    assert balancer.choose(tried, call()) is balancer.endpoints[4]


def test_a_subset_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="the size is at least 1"):
        SubsetURLSelector(0)


def test_metadata_that_changes_counts_from_the_next_call_on() -> None:
    balancer = balanced(WeightedURLSelector(), 2, weight=lambda number: number)
    assert set(chosen(balancer, 50)) == {"http://h1"}
    endpoints = balancer.endpoints
    balancer.update([one.url for one in endpoints], {"http://h0": {"weight": "1"}, "http://h1": {"weight": "0"}})
    assert set(chosen(balancer, 50)) == {"http://h0"}
    assert balancer.endpoints == endpoints


def test_an_instance_that_joins_others_gets_few_calls_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    balancer = LoadBalancer()
    balancer.update(["http://h0", "http://h1"])
    for endpoint in balancer.endpoints:
        endpoint.observe(0.02)
    balancer.update(["http://h0", "http://h1", "http://h2"])
    joined = balancer.endpoints[2]
    joined.observe(0.001)
    assert chosen(balancer, 1000)["http://h2"] < 100
    joined.warm_at -= 5.0
    assert 150 < chosen(balancer, 1000)["http://h2"] < 500
    joined.warm_at -= 5.0
    assert chosen(balancer, 1000)["http://h2"] > 500
