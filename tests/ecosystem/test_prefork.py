"""celery's worker: children that it forks and replaces call through what the parent has used."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.integration.lifecycle.fleet import ROOT
from tests.support.figures import Figures

CALLS = 40
PER_CHILD = 5
SEND = f"""
import json
from tests.ecosystem.tasks import double
results = [double.delay(number) for number in range({CALLS})]
print(json.dumps([result.get(timeout=120) for result in results]))
"""


def test_children_call_and_are_replaced_and_none_runs_the_shutdown_of_the_parent(
    figures: Figures, tmp_path: Path
) -> None:
    for folder in ("queue", "results"):
        (tmp_path / folder).mkdir()
    variables = {**os.environ, "TASKS_FOLDER": str(tmp_path), "C_FORCE_ROOT": "1"}
    options = ["--concurrency", "2", "--max-tasks-per-child", str(PER_CHILD), "--without-gossip", "--without-mingle"]
    command = [sys.executable, "-m", "celery", "-A", "tests.ecosystem.tasks", "worker", "--pool", "prefork", *options]
    with (tmp_path / "log").open("wb") as log:
        worker = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=log, stderr=log, process_group=0)
        try:
            sent = subprocess.run(
                [sys.executable, "-c", SEND],
                cwd=ROOT,
                env=variables,
                capture_output=True,
                text=True,
                timeout=180,
                check=False,
            )
            worker.terminate()
            code = worker.wait(60)
        finally:
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
    assert sent.returncode == 0, sent.stderr + (tmp_path / "log").read_text()
    assert code == 0
    answers: list[tuple[int, int]] = json.loads(sent.stdout)
    assert [answer for answer, _ in answers] == [2 * number for number in range(CALLS)]
    children = {child for _, child in answers}
    assert worker.pid not in children
    assert len(children) >= CALLS // PER_CHILD
    assert (tmp_path / "shutdowns").read_text() == f"{worker.pid}\n"  # once, in no child
    figures.add(f"celery, {len(children)} forked children one after the other: failed calls of {CALLS}", 0)
