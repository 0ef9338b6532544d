"""The module that provides the manager in a container."""

from __future__ import annotations

from service_core.di import Environment, create, module, on_running
from service_health.decorators import has_health_checks
from service_health.manager import HealthCheckManager


@module()
class HealthModule:
    """Import it to get a HealthCheckManager that runs the checks of all objects that the environment creates.

    They are collected when the environment has started, so a class with checks may itself need the manager, and a
    duplicate name ends the boot with DeclarationException. The checks of an object that is created later,
    ``@injectable(eager=False)``, count from then on.
    """

    def __init__(self) -> None:
        self._manager = HealthCheckManager()

    @create()
    def create_health_check_manager(self) -> HealthCheckManager:
        """One manager for the whole environment."""
        return self._manager

    @on_running()
    def collect(self, environment: Environment) -> None:
        """Add the checks of the objects that exist, and of those that are created later."""
        environment.when_made(self._add)

    def _add(self, made: object) -> None:
        if has_health_checks(type(made)):
            self._manager.add(made)
