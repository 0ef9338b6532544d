"""What is refused when checks are declared, and what the message says."""

from __future__ import annotations

from typing import Any

import pytest

from service_core.errors import DeclarationException
from service_health import HealthCheckManager, HealthStatus, health_check, health_checks
from service_health.decorators import declared_checks
from service_health.settings import CheckSettings


def ok(result: HealthCheckManager.Result) -> None:
    """Leave the default."""


def test_a_check_is_named_after_its_method_and_keeps_its_settings() -> None:
    @health_checks()
    class Checks:
        @health_check()
        def plain(self, result: HealthCheckManager.Result) -> None: ...

        @health_check("other", cache=10, fail_if_slower_than=1, timeout=2, group="liveness")
        async def full(self, result: HealthCheckManager.Result) -> None: ...

    assert declared_checks(Checks) == {
        "plain": CheckSettings(name="plain"),
        "full": CheckSettings(name="other", cache=10, fail_if_slower_than=1, timeout=2, group="liveness"),
    }


def test_the_decorators_return_what_they_decorate() -> None:
    class Checks:
        def check(self, result: HealthCheckManager.Result) -> None: ...

    function = Checks.check
    assert health_check()(function) is function
    assert health_checks()(Checks) is Checks


def test_an_overriding_method_stays_a_check() -> None:
    @health_checks()
    class Checks:
        @health_check(cache=3)
        def check(self, result: HealthCheckManager.Result) -> None: ...

    class Special(Checks):
        def check(self, result: HealthCheckManager.Result) -> None: ...

    assert declared_checks(Special) == {"check": CheckSettings(name="check", cache=3)}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cache": -1}, "cache=-1 is not a number of seconds from 0 on; use 0 for no cache"),
        ({"cache": "10"}, "cache='10' is not a number of seconds"),
        ({"cache": True}, "cache=True is not a number of seconds"),
        ({"fail_if_slower_than": -0.5}, "fail_if_slower_than=-0.5 is not a number of seconds"),
        ({"timeout": -1}, "timeout=-1 is not a number of seconds"),
        ({"timeout": 0}, "timeout=0 leaves the check no time"),
        (
            {"timeout": float("inf")},
            "timeout=inf is not a number of seconds from 0 on; a check without a timeout",
        ),
        ({"timeout": None}, "timeout=None is not a number of seconds"),
        ({"group": "live"}, "a check belongs to the group 'liveness' or 'readiness', not to 'live'"),
        ({"group": None}, "a check belongs to the group 'liveness' or 'readiness', not to None"),
        ({"name": "readiness"}, "'readiness' is the name of a group; give the check another with name="),
        ({"name": 3}, "the name of a check is a string, not 3"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_both_ways_to_declare(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(DeclarationException) as by_decorator:
        health_check(**settings)(ok)
    with pytest.raises(DeclarationException) as by_hand:
        HealthCheckManager().add_check(ok, **settings)

    assert message in str(by_decorator.value)
    assert message in str(by_hand.value)
    assert str(by_hand.value).startswith("ok: ")


def test_a_wrong_value_names_class_and_method() -> None:
    with pytest.raises(DeclarationException, match=r"Checks\.check: cache=-1 is not a number"):

        class Checks:
            @health_check(cache=-1)
            def check(self, result: HealthCheckManager.Result) -> None: ...


def test_the_decorators_need_no_parentheses() -> None:
    @health_checks
    class Checks:
        @health_check
        def check(self, result: HealthCheckManager.Result) -> None: ...

    assert declared_checks(Checks) == {"check": CheckSettings(name="check")}


def test_a_name_that_is_no_text_is_refused() -> None:
    wrong: Any = staticmethod(ok)
    with pytest.raises(DeclarationException, match=r"ok: the name of a check is a string, not"):
        health_check(wrong)


def test_a_static_method_is_refused() -> None:
    wrong: Any = staticmethod(ok)
    with pytest.raises(DeclarationException, match=r"ok: @health_check\(\) belongs on a method, directly above"):
        health_check()(wrong)


def test_a_check_that_takes_no_result_is_refused() -> None:
    with pytest.raises(DeclarationException) as refused:

        @health_checks()
        class Checks:
            @health_check()
            def check(self) -> None: ...

    assert str(refused.value).endswith(
        "Checks.check: a check takes one parameter besides self, 'result: HealthCheckManager.Result'; this one takes ()"
    )


def test_a_check_that_takes_more_is_refused() -> None:
    with pytest.raises(DeclarationException, match=r"Checks\.check: .*; this one takes \(result, retries=3\)$"):

        @health_checks()
        class Checks:
            @health_check()
            def check(self, result, retries: int = 3) -> None: ...  # type: ignore[no-untyped-def]


def test_a_function_that_takes_its_result_by_keyword_is_refused() -> None:
    def check(*, result: HealthCheckManager.Result) -> None: ...

    wrong: Any = check
    with pytest.raises(DeclarationException, match=r"check: a check takes one parameter, .* takes \(\*, result\)$"):
        HealthCheckManager().add_check(wrong)


def test_a_class_without_any_check_is_refused() -> None:
    with pytest.raises(DeclarationException, match=r"Checks has no check; decorate a method with @health_check\(\)"):

        @health_checks()
        class Checks:
            def check(self, result: HealthCheckManager.Result) -> None: ...


def test_two_checks_of_one_name_in_a_class_are_refused() -> None:
    with pytest.raises(DeclarationException) as refused:

        @health_checks()
        class Checks:
            @health_check(name="db")
            def one(self, result: HealthCheckManager.Result) -> None: ...

            @health_check(name="db")
            def other(self, result: HealthCheckManager.Result) -> None: ...

    assert "Checks.other: the name 'db' is taken by" in str(refused.value)
    assert "Checks.one; give one of them another name with @health_check(name=...)" in str(refused.value)


def test_a_name_that_another_object_has_taken_is_refused_and_nothing_of_it_taken() -> None:
    @health_checks()
    class Disk:
        @health_check()
        def space(self, result: HealthCheckManager.Result) -> None: ...

    @health_checks()
    class Orbit:
        @health_check()
        def height(self, result: HealthCheckManager.Result) -> None: ...

        @health_check()
        def space(self, result: HealthCheckManager.Result) -> None: ...

    manager = HealthCheckManager(Disk())
    with pytest.raises(DeclarationException) as refused:
        manager.add(Orbit())

    assert "Orbit.space: the name 'space' is taken by the health check" in str(refused.value)
    assert "Disk.space; give one of them another with name=..." in str(refused.value)
    assert list(manager.check_sync().checks) == ["space"]


def test_an_object_of_an_undecorated_class_is_refused() -> None:
    class Checks:
        @health_check()
        def check(self, result: HealthCheckManager.Result) -> None: ...

    with pytest.raises(DeclarationException, match=r"Checks is not decorated with @health_checks\(\)"):
        HealthCheckManager(Checks())


def test_an_object_is_no_function() -> None:
    wrong: Any = object()
    with pytest.raises(DeclarationException, match=r"a check is a function; pass objects with checks to add\(\)"):
        HealthCheckManager().add_check(wrong)


def test_a_lambda_needs_a_name() -> None:
    manager = HealthCheckManager()
    with pytest.raises(DeclarationException, match="a lambda has no name; set one with add_check"):
        manager.add_check(lambda result: result.set_status(HealthStatus.OK))

    manager.add_check(lambda result: result.set_status(HealthStatus.WARNING), name="queue")
    assert manager.check_sync("queue").status is HealthStatus.WARNING
