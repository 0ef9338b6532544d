"""An instance that has refused a method is chosen last for it, for a while."""

from __future__ import annotations

import pytest

from service_core.call import Call
from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import idempotent, service
from service_core.declaring.descriptors import MethodDescriptor
from service_core.declaring.interfaces import Service
from service_core.declaring.policy import EffectivePolicy
from service_core.errors import ContractMismatchException, ServiceCommunicationException
from service_core.resilience.attempts import Attempts
from service_core.resilience.load_balancer import LoadBalancer
from service_core.resilience.refused_methods import AVOID_FOR, RefusedMethods
from service_core.resilience.selectors import Endpoint, FirstURLSelector

CATALOG = Catalog()


@service(catalog=CATALOG)
class Orders(Service):
    def place(self) -> None: ...

    @idempotent
    def read(self) -> None: ...


ORDERS = CATALOG.service(Orders)
PLACE = ORDERS.methods["place"]
READ = ORDERS.methods["read"]
REFUSED = ContractMismatchException("no such method")
DOES_NOT_FIT = ContractMismatchException("the result does not fit", may_have_run=True)


def balancer(*urls: str, **policy: float) -> LoadBalancer:
    made = LoadBalancer()
    made.selector = FirstURLSelector()
    made.adopt(EffectivePolicy(**policy))  # type: ignore[arg-type]
    made.update(urls)
    return made


def call(method: MethodDescriptor, among: LoadBalancer) -> Attempts:
    return Attempts(Call(ORDERS, method, policy=among.policy), among)


def refuse(among: LoadBalancer, method: MethodDescriptor = PLACE) -> str:
    """Let the next choice refuse; gives its address."""
    attempts = call(method, among)
    url = attempts.begin().url
    assert not attempts.ended_by(REFUSED)
    return url


def test_a_refused_call_goes_to_another_instance_and_later_calls_go_there_first() -> None:
    known = balancer("old", "new")
    attempts = call(PLACE, known)
    assert attempts.begin().url == "old"
    assert attempts.ended_by(REFUSED)
    assert attempts.begin().url == "new"
    attempts.answered()
    assert [call(PLACE, known).begin().url for _ in range(3)] == ["new"] * 3


def test_other_methods_still_go_to_an_instance_that_has_refused_one() -> None:
    known = balancer("old", "new")
    attempts = call(PLACE, known)
    attempts.begin()
    assert attempts.ended_by(REFUSED)
    assert call(READ, known).begin().url == "old"


def test_all_instances_are_tried_whatever_the_policy_and_the_budget_allow() -> None:
    known = balancer("a", "b", "c", "d", max_attempts=1, retry_ratio=0.0, retry_reserve=0.0)
    attempts = call(PLACE, known)
    for url in "abc":
        assert attempts.begin().url == url
        assert attempts.ended_by(REFUSED)
    assert attempts.begin().url == "d"


def test_a_call_that_all_instances_refuse_ends_and_the_next_one_tries_a_single_instance() -> None:
    known = balancer("a", "b")
    attempts = call(PLACE, known)
    attempts.begin()
    assert attempts.ended_by(REFUSED)
    attempts.begin()
    assert not attempts.ended_by(REFUSED)
    assert refuse(known) == "a"


def test_an_instance_that_has_refused_is_the_last_choice_and_not_excluded() -> None:
    known = balancer("old", "new")
    attempts = call(PLACE, known)
    attempts.begin()
    assert attempts.ended_by(REFUSED)
    assert attempts.begin().url == "new"
    assert attempts.ended_by(ServiceCommunicationException("connection refused"))
    assert attempts.begin().url == "new"


def test_a_refusal_ejects_no_instance() -> None:
    known = balancer("a", "b", eject_after=1)
    attempts = call(PLACE, known)
    attempts.begin()
    assert attempts.ended_by(REFUSED)
    assert [one["ejected"] for one in known.view()] == [False, False]


@pytest.mark.parametrize(("method", "goes_on"), [(READ, True), (PLACE, False)])
def test_an_answer_that_does_not_fit_is_retried_only_if_the_method_is_idempotent(
    method: MethodDescriptor, goes_on: bool
) -> None:
    attempts = call(method, balancer("a", "b"))
    attempts.begin()
    if goes_on:
        assert attempts.ended_by(DOES_NOT_FIT)
        assert attempts.begin().url == "b"
    else:
        assert not attempts.ended_by(DOES_NOT_FIT)


def test_an_instance_that_the_registry_reports_anew_is_tried_again() -> None:
    known = balancer("a", "b")
    attempts = call(PLACE, known)
    attempts.begin()
    assert attempts.ended_by(REFUSED)
    known.update(["b"])
    known.update(["a", "b"])
    assert call(PLACE, known).begin().url == "a"


def test_a_refusal_is_forgotten_after_a_minute() -> None:
    now = 0.0
    refused, endpoint = RefusedMethods(lambda: now), Endpoint("a")
    assert not refused.until
    refused.add(PLACE, endpoint)
    assert refused.without_refusal(PLACE, [endpoint]) == []
    now = AVOID_FOR
    assert refused.without_refusal(PLACE, [endpoint]) == [endpoint]
    refused.keep([endpoint])
    assert not refused.until
