"""Hosted services as endpoints of an application, and the fast paths to them."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from service_core import Health
from service_core.dispatch import Dispatcher, Executor, Target, ThreadPool
from service_health import HealthCheckManager
from service_health.endpoint import HealthEndpoint
from service_server_fastapi.access.browsers import BrowserRules
from service_server_fastapi.application.interface import Application
from service_server_fastapi.endpoints.describe import DescribeEndpoint
from service_server_fastapi.endpoints.get_endpoint import GetEndpoint
from service_server_fastapi.endpoints.health import ServerHealth
from service_server_fastapi.endpoints.invoke import InvokeEndpoint, is_call
from service_server_fastapi.endpoints.report import ReportEndpoint
from service_server_fastapi.lifecycle.hosting import Hosting
from service_server_fastapi.paths import DESCRIBE, INVOKE, LIVE, READY, REPORT
from service_server_fastapi.requests.admission import Admission
from service_server_fastapi.requests.bypass import Bypass
from service_server_fastapi.requests.in_flight import InFlight
from service_server_fastapi.rest.resources import RouteResources
from service_server_fastapi.settings import ServerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """What of a server answers requests."""

    application: Application
    health: ServerHealth
    bypass: Bypass

    @classmethod
    def of(
        cls,
        hosting: Hosting,
        targets: list[Target],
        application: Application,
        *,
        settings: ServerSettings,
        calls: Executor,
        in_flight: InFlight,
        readers: ThreadPool,
    ) -> Assembly:
        """Add endpoints and routes to an application. Raises DeclarationException if one of their paths is taken.

        Large requests are read in threads of ``readers``.
        """
        admission = Admission(settings, in_flight.log)
        dispatcher = Dispatcher(targets, calls, readers=readers, max_values=settings.max_values, streams=True)
        invoke = InvokeEndpoint(dispatcher, admission)
        application.add(INVOKE, invoke)
        checks = hosting.environment.get(HealthCheckManager)
        health = ServerHealth(hosting, checks, timeout=settings.health_timeout)
        for path, check in ((LIVE, health.live), (READY, health.ready)):
            _add_health(application, path, check, hosting, settings)
        if settings.report:
            report = ReportEndpoint(hosting, health, functools.partial(_load, calls, targets), details=settings.details)
            application.add(REPORT, GetEndpoint(report.answer))
        if settings.describe is not False:
            describe = DescribeEndpoint(hosting, calls, admission, local_only=settings.describe is None)
            application.add(DESCRIBE, GetEndpoint(describe.answer))
        browsers = BrowserRules(settings.allowed_origins)
        resources = RouteResources(calls=calls, admission=admission, browsers=browsers, readers=readers)
        find = application.mount(targets, resources)
        bypass = Bypass(
            application.app,
            in_flight,
            lambda scope: invoke if is_call(scope) else find(scope),
            application.obstacles,
        )
        return cls(application=application, health=health, bypass=bypass)

    def add_component(
        self, path: str, check: Callable[[], Awaitable[Health]], hosting: Hosting, settings: ServerSettings
    ) -> None:
        """Answer a path with the health of a component. Raises DeclarationException if the path is taken."""
        _add_health(self.application, path, self.health.add_component(path, check), hosting, settings)


def _add_health(
    application: Application,
    path: str,
    check: Callable[[], Awaitable[Health]],
    hosting: Hosting,
    settings: ServerSettings,
) -> None:
    status_of = hosting.manager.component_registry.map_health
    application.add(path, HealthEndpoint(check, details=settings.details, status_of=status_of))


def _load(calls: Executor, targets: list[Target]) -> dict[str, object]:
    """The load of the worker threads and of each method, as JSON-like data."""
    return {"workers": calls.view(), "methods": {target.method_codec.name: target.view() for target in targets}}
