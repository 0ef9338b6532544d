"""Consul removes what has been critical for too long. It comes last, for that takes time."""

from __future__ import annotations

import time

import pytest

from tests.integration.consul.parts import Doomed, states
from tests.support.consul import ConsulAgent
from tests.support.figures import Figures
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

REAPED_WITHIN = 130.0
"""Seconds: one minute critical, half a minute between two rounds of the reaper, and some time_limit."""


def test_a_reaped_instance_is_registered_again_and_called_when_it_is_healthy(
    consul: ConsulAgent, doomed: Doomed, figures: Figures
) -> None:
    def created() -> int:
        return max((node["Service"]["CreateIndex"] for node in consul.instances(doomed.component)), default=0)

    eventually(lambda: created() != doomed.first, time_limit=REAPED_WITHIN)
    begin, was_seen_absent = time.monotonic(), created() == 0
    eventually(lambda: created() > doomed.first)
    if was_seen_absent:
        figures.add("reaped after being critical: registered again after", time.monotonic() - begin, "s")
    assert set(states(consul, doomed.component).values()) == {"critical"}  # it is still ill, and not said to be well
    doomed.server.status = 200
    eventually(lambda: set(states(consul, doomed.component).values()) == {"passing"})
