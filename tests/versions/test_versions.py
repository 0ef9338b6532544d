"""Two versions of an interface, each in a process of its own, called by callers of both over every channel."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.versions.catalogs import CHANNELS
from tests.versions.changes import CHANGES, Change
from tests.versions.new import interface as new
from tests.versions.old import interface as old
from tests.versions.table import ANOTHER, BEFORE, WAYS, WORKS, outcome, table

pytestmark = pytest.mark.slow  # servers of two versions, every change over every channel

ORDERS = (("old", "new"), ("new", "old"))
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/change-an-interface.md"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("channel", CHANNELS)
def test_every_channel_does_as_the_table_in_the_documentation_says(
    urls: dict[str, str], channel: str, way: str
) -> None:
    rows = table(urls, channel, way)
    page = PAGE.read_text(encoding="utf-8").splitlines()
    assert page[(start := page.index(rows[0])) : start + len(rows)] == rows


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_with_both_versions_in_rotation_a_call_that_one_can_serve_is_served(
    urls: dict[str, str], channel: str, way: str, change: Change
) -> None:
    for version, case in ((old, change.old), (new, change.new)):
        if case is None:
            continue
        alone = {outcome(version, case, channel, way, {server: urls[server]}) for server in urls}
        together = {outcome(version, case, channel, way, {one: urls[one] for one in order}) for order in ORDERS}
        assert ANOTHER not in alone | together
        assert together == {WORKS} if alone <= {WORKS, BEFORE} else together <= alone
