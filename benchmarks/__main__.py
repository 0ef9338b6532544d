"""The command: ``python -m benchmarks [--quick] [--only NAME ...] [--apart] [--write FOLDER]``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.contest import Figures, hold
from benchmarks.entries import Question
from benchmarks.machine import machine, sentence
from benchmarks.pictures import pictures
from benchmarks.questions import ALL
from benchmarks.table import goals_as_markdown, show


def main() -> int:
    """Measure, show and write. The exit code says whether everything could be measured, not whether it was fast."""
    names = [question.name for question in ALL]
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few and short rounds: shows that it works")
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="ask these questions only")
    parser.add_argument("--rounds", type=int, help="instead of 15, or 2 if quick")
    parser.add_argument("--seconds", type=float, help="for each figure in each round, instead of 0.25, or 0.1 if quick")
    parser.add_argument("--apart", action="store_true", help="one CPU for clients, another one for servers (Linux)")
    parser.add_argument("--write", type=Path, help="folder for results.json, goals.md and the pictures")
    options = parser.parse_args()
    for name in ("rounds", "seconds"):
        if (value := getattr(options, name)) is not None and value <= 0:
            parser.error(f"--{name} must be more than 0, not {value}")
    questions = [question for question in ALL if question.name in options.only]
    facts = machine() | {"apart": options.apart}
    console = Console() if sys.stdout.isatty() else Console(width=140)
    console.print(sentence(facts), highlight=False)
    with console.status("starting") as status:
        figures = hold(
            [
                entry
                for question in questions
                for entry in (*question.entries, *(() if options.quick else question.sweep))
            ],
            rounds=options.rounds or (2 if options.quick else 15),
            seconds=options.seconds or (0.1 if options.quick else 0.25),
            apart=options.apart,
            tell=status.update,
        )
    show(console, questions, figures)
    if options.write is not None:
        _write(options.write, questions, figures, facts)
    return 1 if figures.failures else 0


def _write(folder: Path, questions: list[Question], figures: Figures, facts: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    results = {
        "machine": facts,
        "figures": [
            {
                "question": question.name,
                "entry": entry.label,
                "unit": entry.unit,
                "median": figures.value(entry),
                "p99_us": figures.latency(entry, "p99"),
                "rounds": [one["value"] for one in figures.rounds[entry.key]],
            }
            for question in questions
            for entry in (*question.entries, *question.sweep)
            if entry.key in figures.rounds
        ],
        "failures": figures.failures,
    }
    (folder / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    goals = f"Measured on {sentence(facts)}.\n\n{goals_as_markdown(questions, figures)}"
    (folder / "goals.md").write_text(goals, encoding="utf-8")
    for name, picture in pictures(figures).items():
        (folder / name).write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
