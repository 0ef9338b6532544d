"""The manager in a container."""

from __future__ import annotations

from abc import ABC, abstractmethod

import pytest

from service_core.declaring.catalog import Catalog
from service_core.di import Environment, create, injectable, module
from service_core.errors import DeclarationException
from service_health import HealthCheckManager, HealthModule, HealthStatus, health_check, health_checks


@module(imports=[HealthModule])
class Module:
    """Nothing of its own: its package is looked through."""


@health_checks()
@injectable()
class Checks:
    """As in the introduction, and with the manager among its own dependencies."""

    def __init__(self, manager: HealthCheckManager) -> None:
        self.manager = manager

    @health_check(fail_if_slower_than=1)
    def check_performance(self, result: HealthCheckManager.Result) -> None:
        """Should be done in under a second."""

    @health_check(name="check", cache=10)
    async def check(self, result: HealthCheckManager.Result) -> None:
        """Not so well."""
        result.set_status(HealthStatus.WARNING)


@injectable()
class TestComponentImpl:
    """Takes the manager, as a component does to tell its health."""

    __test__ = False

    def __init__(self, health_check_manager: HealthCheckManager) -> None:
        self.health_check_manager = health_check_manager

    async def get_health(self) -> HealthCheckManager.Health:
        """As the introduction has it."""
        return await self.health_check_manager.check()


async def test_the_manager_of_an_environment_runs_the_checks_of_the_objects_in_it() -> None:
    with Environment(Module) as environment:
        health = await environment.get(TestComponentImpl).get_health()

    assert {name: check.status for name, check in health.checks.items()} == {
        "check_performance": HealthStatus.OK,
        "check": HealthStatus.WARNING,
    }


async def test_the_object_of_the_environment_is_checked_and_not_another() -> None:
    with Environment(Module) as environment:
        manager = environment.get(HealthCheckManager)
        assert environment.get(Checks).manager is manager


@health_checks()
class Disk:
    """Not injectable."""

    def __init__(self, path: str) -> None:
        self.path = path

    @health_check()
    def space(self, result: HealthCheckManager.Result) -> None:
        """Tell where."""
        result.set_status(HealthStatus.OK, self.path)


@module(imports=[HealthModule])
class ModuleThatCreates:
    """Makes an object with checks itself."""

    @create()
    def create_disk(self) -> Disk:
        """Need not be injectable."""
        return Disk("/data")


async def test_an_object_that_a_module_creates_is_found() -> None:
    with Environment(ModuleThatCreates, catalog=Catalog()) as environment:
        health = await environment.get(HealthCheckManager).check()

    assert health.checks["space"].details == "/data"


async def test_the_checks_of_a_lazy_object_count_once_it_is_made_and_do_not_have_it_made() -> None:
    catalog, made = Catalog(), list[str]()

    @health_checks()
    @injectable(eager=False, catalog=catalog)
    class Expensive:
        def __init__(self) -> None:
            made.append("expensive")

        @health_check()
        def cost(self, result: HealthCheckManager.Result) -> None:
            """Fine."""

    @module(imports=[HealthModule])
    class Own: ...

    with Environment(Own, catalog=catalog) as environment:
        checks = environment.get(HealthCheckManager)
        assert (made, set((await checks.check()).checks)) == ([], set())
        environment.get(Expensive)
        assert set((await checks.check()).checks) == {"cost"}


async def test_each_environment_has_its_own_checks() -> None:
    with Environment(Module) as one, Environment(ModuleThatCreates, catalog=Catalog()) as other:
        assert set((await one.get(HealthCheckManager).check()).checks) == {"check_performance", "check"}
        assert set((await other.get(HealthCheckManager).check()).checks) == {"space"}


@health_checks()
class Orbit(ABC):
    """Another that claims the name."""

    @health_check()
    @abstractmethod
    def space(self, result: HealthCheckManager.Result) -> None:
        """Abstract."""


class Low(Orbit):
    """Overrides the check without decorating it again."""

    def space(self, result: HealthCheckManager.Result) -> None:
        """Fine."""


@module(imports=[ModuleThatCreates])
class ModuleWithTwo:
    """Two objects that have a check of the same name."""

    @create()
    def create_orbit(self) -> Low:
        """The second."""
        return Low()


def test_a_name_that_two_classes_use_ends_the_boot() -> None:
    with pytest.raises(DeclarationException) as refused:
        Environment(ModuleWithTwo, catalog=Catalog())

    assert str(refused.value) == (
        "Low.space: the name 'space' is taken by the health check Disk.space; give one of them another with name=..."
    )


@health_checks
class Forgotten:
    """Decorated, but the container creates no object of it."""

    @health_check
    def level(self, result: HealthCheckManager.Result) -> None:
        """Never run."""


def test_a_class_with_checks_of_which_there_is_no_object_is_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with Environment(ModuleThatCreates, catalog=Catalog()):
        pass
    assert [message for message in caplog.messages if "Forgotten" in message] == [
        f"{__name__}.Forgotten has @health_checks, but this environment creates no object of it, so its checks do not "
        f"run; decorate it with @injectable, or return an object of it from a @create() method"
    ]
    assert not [message for message in caplog.messages if ".Disk " in message or ".Orbit " in message]


def test_a_check_in_a_class_without_health_checks_ends_the_boot() -> None:
    catalog = Catalog()

    @injectable(catalog=catalog)
    class Unmarked:
        @health_check
        def level(self, result: HealthCheckManager.Result) -> None:
            """Never run."""

    @module(imports=[HealthModule])
    class Own: ...

    with pytest.raises(DeclarationException) as refused:
        Environment(Own, catalog=catalog)
    assert str(refused.value).rpartition("<locals>.")[2] == (
        "Unmarked.level has @health_check, but its class has no @health_checks; decorate Unmarked with @health_checks"
    )
