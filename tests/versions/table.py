"""The table of changes: what callers of each version get from servers of the other, and from both in rotation."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Final

from service_core import (
    ComponentUnavailableException,
    ContractMismatchException,
    RemoteServiceException,
    ServiceException,
    ServiceManager,
    StaticComponentRegistry,
)
from service_core.errors import ErrorCode
from tests.versions.catalogs import CHANNELS
from tests.versions.changes import CHANGES, Case
from tests.versions.new import interface as new
from tests.versions.old import interface as old

__all__ = ["ANOTHER", "BEFORE", "WAYS", "WORKS", "outcome", "table"]

WAYS: Final = ("sync", "async")
WORKS: Final = "works"
BEFORE: Final = "refused before it ran"
WRONG: Final = "refused before it ran, as a wrong argument"
AFTERWARDS: Final = "refused afterwards"
ANOTHER: Final = "another value"
COMPONENTS: Final = {
    "old": ("shop-component", "ledger-component"),
    "new": ("shop-component", "stock-component"),
}
"""What the servers of each version have."""


def outcome(version: ModuleType, case: Case, channel: str, way: str, urls: Mapping[str, str]) -> str:
    """What a caller of a version sees, in the words of the table; ``urls`` are those of the servers by version.

    What several tests ask for is measured once.
    """
    asked = (id(case), channel, way, *urls.items())
    if asked not in _KNOWN:
        _KNOWN[asked] = _measured(version, case, channel, way, urls)
    return _KNOWN[asked]


_KNOWN: Final[dict[tuple[object, ...], str]] = {}


def _measured(version: ModuleType, case: Case, channel: str, way: str, urls: Mapping[str, str]) -> str:
    registry = StaticComponentRegistry(_offered(case, channel, urls))
    try:
        if way == "sync":
            with ServiceManager(registry, catalog=version.CATALOG) as manager:
                service = manager.get_service(getattr(version, case.service), channel)
                answer = getattr(service, case.method)(**case.kwargs)
        else:
            answer = asyncio.run(_call_async(version, case, channel, registry))
    except ComponentUnavailableException:
        return BEFORE
    except ContractMismatchException as error:
        return AFTERWARDS if error.may_have_run else BEFORE
    except RemoteServiceException as error:
        return WRONG if error.code is ErrorCode.INVALID_ARGUMENT and not error.may_have_run else repr(error)
    except ServiceException as error:
        return repr(error)
    return WORKS if case.is_right(answer) else ANOTHER


def _offered(case: Case, channel: str, urls: Mapping[str, str]) -> dict[str, dict[str, list[str]]]:
    """What the servers register: the components that they have, with the channels that they offer."""
    offered: dict[str, dict[str, list[str]]] = {}
    for version, url in urls.items():
        lacks = case.preferred_only_at not in ("", version)
        channels = CHANNELS if case.preferred_only_at else [channel]
        for name in COMPONENTS[version]:
            for one in channels:
                if not (lacks and one == channel):
                    offered.setdefault(name, {}).setdefault(one, []).append(url)
    return offered


async def _call_async(version: ModuleType, case: Case, channel: str, registry: StaticComponentRegistry) -> Any:
    shop = case.service == "Shop"
    interface, method = ("AsyncShop", case.method) if shop else (case.service, f"{case.method}_async")
    async with ServiceManager(registry, catalog=version.CATALOG) as manager:
        return await getattr(manager.get_service(getattr(version, interface), channel), method)(**case.kwargs)


def table(urls: Mapping[str, str], channel: str, way: str) -> list[str]:
    """The rows of the table as Markdown."""
    rows = ["| change | old caller, new server | new caller, old server |", "|---|---|---|"]
    for change in CHANGES:
        cells = [
            "-" if case is None else outcome(version, case, channel, way, {server: urls[server]})
            for version, case, server in ((old, change.old, "new"), (new, change.new, "old"))
        ]
        rows.append(f"| {change.name} | {' | '.join(BEFORE if cell == WRONG else cell for cell in cells)} |")
    return rows
