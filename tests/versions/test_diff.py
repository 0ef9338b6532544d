"""What ``service diff`` says about two versions beside what servers and callers of both did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.request import urlopen

import pytest

from service_cli.diffing import Callers, Verdict, compare
from service_cli.diffing import Change as Difference
from service_core.describing import Description, read_description
from tests.versions.changes import CHANGES, Case, Change
from tests.versions.new import interface as new
from tests.versions.old import interface as old
from tests.versions.table import AFTERWARDS, BEFORE, WORKS, WRONG, outcome

pytestmark = pytest.mark.slow  # servers of two versions, every change over every channel

CHANNEL: Final = "rest"
VERDICTS: Final = {
    WORKS: Verdict.WORKS,
    BEFORE: Verdict.REFUSED,
    WRONG: Verdict.REFUSED,
    AFTERWARDS: Verdict.UNREADABLE,
}
WORSE: Final = list(VERDICTS.values())


def place(case: Case) -> str:
    """Where ``service diff`` reports a change that the case is about."""
    if case.preferred_only_at:
        return "shop-component"
    if case.service == "Shop":
        return f"shop.{case.method}"
    return case.component if case.component != "shop-component" else f"{case.component}.{case.service.lower()}"


def cases(change: Change) -> list[Case]:
    return [case for case in (change.old, change.new) if case is not None]


PLACES: Final = sorted({(place(case), case.preferred_only_at) for change in CHANGES for case in cases(change)})


def without_channel(description: Description) -> Description:
    """The description of servers that do not offer the channel."""
    components = [
        replace(one, channels=tuple(channel for channel in one.channels if channel.name != CHANNEL))
        for one in description.components
    ]
    return replace(description, components=tuple(components))


@pytest.fixture(scope="module")
def descriptions(urls: dict[str, str]) -> dict[str, Description]:
    found = {}
    for version, url in urls.items():
        with urlopen(f"{url}/describe") as answer:
            found[version] = read_description(answer.read())
    return found


def differences(descriptions: Mapping[str, Description], where: str, preferred_only_at: str) -> list[Difference]:
    seen = dict(descriptions)
    if preferred_only_at:
        other = "new" if preferred_only_at == "old" else "old"
        seen[other] = without_channel(seen[other])
    found = compare(seen["old"], seen["new"])
    return [one for one in found if one.where == where and (not preferred_only_at or one.subject == CHANNEL)]


def measured(urls: Mapping[str, str], where: str, preferred_only_at: str, callers: Callers) -> list[Verdict]:
    """What became of the calls of one version at servers of the other, the worst last."""
    version, server = (old, "new") if callers is Callers.OLD else (new, "old")
    made = [change.old if callers is Callers.OLD else change.new for change in CHANGES]
    concerned = [
        case
        for case in made
        if case is not None and (place(case), case.preferred_only_at) == (where, preferred_only_at)
    ]
    found = [VERDICTS[outcome(version, case, CHANNEL, "sync", {server: urls[server]})] for case in concerned]
    return sorted(found, key=WORSE.index)


STREAMS: Final = {f"feed.{name}" for name in ("add_stricter", "add_wider", "narrower", "stricter", "wider")}
"""Methods whose items differ: what becomes of their calls is tested beside."""


def test_twenty_and_more_changes_are_compared() -> None:
    assert len(PLACES) >= 20


@pytest.mark.parametrize("callers", Callers)
@pytest.mark.parametrize(("where", "preferred_only_at"), PLACES)
def test_the_verdict_is_what_the_worst_call_met(
    urls: dict[str, str], descriptions: dict[str, Description], where: str, preferred_only_at: str, callers: Callers
) -> None:
    found = differences(descriptions, where, preferred_only_at)
    effects = [one for change in found for one in change.effects if one.callers is callers]
    said = sorted({Verdict.WORKS, *(one.verdict for one in effects)}, key=WORSE.index)
    happened = measured(urls, where, preferred_only_at, callers)

    assert found != []
    if happened:
        assert said[-1] is happened[-1]
    if happened and callers is Callers.OLD and Verdict.WORKS not in happened:
        assert any(one.breaks for one in effects)


def test_all_differences_are_those_that_were_measured(descriptions: dict[str, Description]) -> None:
    found = compare(descriptions["old"], descriptions["new"])
    asynchronous = {one.where for one in found if one.where.startswith("async-shop.")}
    places = {where for where, preferred in PLACES if not preferred}
    assert {one.where for one in found} - asynchronous == places | STREAMS
