"""A minute of all faults; one begins each 2 s."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.chaos.processes import ROOT
from tests.support.figures import Figures

SECONDS = 60


def test_nothing_runs_twice_and_nothing_is_left_after_all_faults_in_turn(figures: Figures) -> None:
    command = [sys.executable, "-m", "tests.chaos.soak", str(SECONDS)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert ended.stdout, ended.stderr
    result = json.loads(ended.stdout)
    figures.add(f"soak of {SECONDS} s, 64 calls in flight: calls", result["calls"])
    figures.add("soak: faults", sum(result["faults"].values()))
    figures.add("soak: failed calls of forked children", result["failed calls of forked children"])
    for kind, count in result["failures"].items():
        figures.add(f"soak: {kind}", count)
    figures.add("soak: calls that ran twice although they must not", result["ran twice"])
    assert result["ran twice"] == 0
    assert not result["fails at the end"]
    assert not [kind for kind in result["failures"] if "did not run" in kind], result["failures"]
    # Connections to servers that are started anew differ in number from one moment to the next.
    assert result["after"]["threads"] <= result["before"]["threads"] + 4
    assert result["after"]["descriptors"] <= result["before"]["descriptors"] + 64
    assert result["after"]["megabytes"] <= result["before"]["megabytes"] + 32
