"""The module that provides the manager in a container."""

from __future__ import annotations

import logging
from typing import Final

from service_core.di import Environment, create, module, on_running
from service_health.decorators import check_marked, has_health_checks
from service_health.manager import HealthCheckManager
from service_health.unused_classes import unused_classes

_logger: Final = logging.getLogger("service.health")


@module()
class HealthModule:
    """Import it to get a HealthCheckManager that runs the checks of all objects that the environment creates.

    They are collected when the environment has started, so a class with checks may itself need the manager. A
    duplicate name, and a check in a class without ``@health_checks()``, end the boot with DeclarationException. The
    checks of an object that is created later, ``@injectable(eager=False)``, count from then on. A class with
    ``@health_checks()`` beside the classes of the environment, of which it creates no object, is logged as a warning.
    """

    def __init__(self) -> None:
        self._manager = HealthCheckManager()
        self._classes: set[type] = set()

    @create()
    def create_health_check_manager(self) -> HealthCheckManager:
        """One manager for the whole environment."""
        return self._manager

    @on_running()
    def collect(self, environment: Environment) -> None:
        """Add the checks of the objects that exist, and of those that are created later."""
        environment.when_made(self._add)
        declared = (kind for kind in environment.types() if isinstance(kind, type))
        for cls in unused_classes(self._classes.union(declared)):
            _logger.warning(
                "%s.%s has @health_checks, but this environment creates no object of it, so its checks do not run; "
                "decorate it with @injectable, or return an object of it from a @create() method",
                cls.__module__,
                cls.__qualname__,
            )

    def _add(self, made: object) -> None:
        self._classes.add(type(made))
        check_marked(type(made))
        if has_health_checks(type(made)):
            self._manager.add(made)
