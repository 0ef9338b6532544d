"""The manager: registers checks, runs the requested ones and combines their results."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final, TypeAlias

from service_core import DeclarationException, ErrorCode, LocalServiceException
from service_core import Health as HealthValue
from service_health.check import Check, CheckFunction
from service_health.decorators import check_signature, declared_checks
from service_health.endpoint import HealthEndpoint
from service_health.findings import Result as ResultValue
from service_health.settings import DEFAULT_CHECK_TIMEOUT, GROUPS, CheckSettings, Group, checked


class HealthCheckManager:
    """Runs health checks concurrently, and reports the worst status.

    It takes the objects whose classes are decorated with ``@health_checks()``; in a container it finds them
    itself. Safe to use from several threads and event loops: if two callers request a check at the same time, it
    runs once. Without any check it reports OK.
    """

    Health: TypeAlias = HealthValue
    Result: TypeAlias = ResultValue

    def __init__(self, *objects: object, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the checks of the objects.

        ``clock`` returns the seconds from which durations and ages are computed; it must be monotonic.
        """
        self._clock: Final = clock
        self._lock: Final = threading.Lock()
        self._checks: dict[str, tuple[Check, str]] = {}  # with its origin; replaced, never changed
        for obj in objects:
            self.add(obj)

    def add(self, obj: object) -> None:
        """Take all checks of an object whose class is decorated with ``@health_checks()``.

        Raises DeclarationException if the class is declared wrongly or the name of a check is a duplicate; then it
        takes none.
        """
        cls = type(obj)
        self._take(
            [
                (Check(getattr(obj, method), settings, self._clock), f"{cls.__qualname__}.{method}")
                for method, settings in declared_checks(cls).items()
            ]
        )

    def add_check(
        self,
        function: CheckFunction,
        *,
        name: str = "",
        cache: float = 0,
        fail_if_slower_than: float = 0,
        timeout: float = DEFAULT_CHECK_TIMEOUT,
        group: Group = "readiness",
    ) -> None:
        """Take one check: any callable, sync or async, that takes a ``HealthCheckManager.Result``.

        The other arguments are those of ``@health_check``; the name is by default that of the function or of
        the callable's class. Raises DeclarationException.
        """
        if not callable(function):
            raise DeclarationException(
                f"add_check({function!r}): a check is a function; pass objects with checks to add()"
            )
        where = getattr(function, "__qualname__", type(function).__qualname__)
        known = name or getattr(function, "__name__", type(function).__name__)
        if known == "<lambda>":
            raise DeclarationException(f"{where}: a lambda has no name; set one with add_check(..., name=...)")
        check_signature(function, where)
        settings = CheckSettings(
            name=known, cache=cache, fail_if_slower_than=fail_if_slower_than, timeout=timeout, group=group
        )
        self._take([(Check(function, checked(settings, where), self._clock), where)])

    async def check(self, group: str | None = None) -> Health:
        """Run all checks, those of a group (``"liveness"``, ``"readiness"``), or the one of that name.

        It takes as long as the slowest check, at most its timeout. A check that hangs or raises is reported as an
        ERROR; an unknown group raises LocalServiceException.
        """
        return await _report(self._select(group))

    def check_sync(self, group: str | None = None) -> Health:
        """Do the same from a thread that runs no event loop; async checks run on a loop of their own.

        Raises RuntimeError on a thread with a running loop, because the loop would be blocked. It waits for an async
        check that blocks its loop instead of awaiting.
        """
        if _loop_is_running():
            raise RuntimeError("check_sync() would block the event loop; use 'await check()' here")
        checks = self._select(group)
        answer: Future[HealthValue] = Future()

        async def report() -> None:
            answer.set_result(await _report(checks))

        def work() -> None:
            try:
                with asyncio.Runner() as runner:
                    runner.run(report())
            except BaseException as error:
                if answer.done():
                    raise
                answer.set_exception(error)  # the loop could not be created, for lack of file descriptors

        # Not in this thread: the end of the runner waits for everything that a hanging check has left running.
        threading.Thread(target=work, name="health-check-sync", daemon=True).start()
        return answer.result()

    def asgi(self, group: str | None = None, *, details: bool = False) -> HealthEndpoint:
        """An ASGI application that answers with the health as JSON: 200, 429 for a warning, 503 for an error.

        Details may contain addresses and paths, so they are left out by default. FastAPI and Starlette
        take it with ``app.add_route("/health", manager.asgi())``. Raises LocalServiceException for an unknown
        group.
        """
        self._select(group)
        return HealthEndpoint(lambda: self.check(group), details=details)

    def _select(self, group: str | None) -> Sequence[Check]:
        checks = [check for check, _ in self._checks.values()]
        if group is None:
            return checks
        if group in GROUPS:
            return [check for check in checks if check.settings.group == group]
        if group in self._checks:
            return [self._checks[group][0]]
        raise LocalServiceException(
            f"there is no health check or group '{group}'; there are {', '.join([*GROUPS, *self._checks])}",
            code=ErrorCode.NOT_FOUND,
        )

    def _take(self, checks: Sequence[tuple[Check, str]]) -> None:
        with self._lock:
            known = dict(self._checks)
            for check, where in checks:
                name = check.settings.name
                if name in known:
                    raise DeclarationException(
                        f"{where}: the name '{name}' is taken by the health check {known[name][1]}; "
                        f"give one of them another with name=..."
                    )
                known[name] = (check, where)
            self._checks = known


async def _report(checks: Sequence[Check]) -> HealthValue:
    return HealthValue.of(await asyncio.gather(*(check.run() for check in checks)))


def _loop_is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
