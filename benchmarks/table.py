"""The results as tables for people, in a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.contest import Figures, Verdict
from benchmarks.entries import Entry, Question

__all__ = ["figure", "goals_as_markdown", "show"]


def show(console: Console, questions: Iterable[Question], figures: Figures) -> None:
    """Print the figures and the goals of each question."""
    for question in questions:
        table = Table(title=question.title, title_justify="left", title_style="bold")
        for heading in ("", "median", "p99", "goal"):
            table.add_column(heading, justify="left" if heading in ("", "goal") else "right")
        for entry in (*question.entries, *question.sweep):
            if entry.key not in figures.rounds and entry.key not in figures.failures:
                continue
            goals = [figures.verdict(goal) for goal in question.goals if goal.entry.key == entry.key]
            table.add_row(entry.label, *_row(entry, figures), "\n".join(_verdict(goal) for goal in goals))
        console.print(table)
    for reason in dict.fromkeys(figures.failures.values()):
        console.print(f"[red]not measured:[/red] {escape(reason)}", highlight=False)


def goals_as_markdown(questions: Sequence[Question], figures: Figures) -> str:
    """The table of goals for the docs."""
    lines = ["| call | figure | goal | reached | |", "|---|---|---|---|---|"]
    for question in questions:
        for goal in question.goals:
            verdict = figures.verdict(goal)
            value = figures.value(goal.entry)
            shown = figure(value, goal.entry) if value is not None else "-"
            mark = "yes" if verdict.is_met else "**no**"
            lines.append(f"| {goal.entry.label} | {shown} | {_bound(verdict)} | {_reached(verdict)} | {mark} |")
    return "\n".join(lines) + "\n"


def figure(value: float, entry: Entry) -> str:
    """A figure with its unit."""
    return f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f} {entry.unit}"


def _row(entry: Entry, figures: Figures) -> tuple[str, str]:
    value, p99 = figures.value(entry), figures.latency(entry, "p99")
    if value is None:
        return "[red]failed[/red]", ""
    return figure(value, entry), f"{p99:,.0f} µs" if p99 is not None else ""


def _verdict(verdict: Verdict) -> str:
    colour = "green" if verdict.is_met else "red"
    return f"[{colour}]{_reached(verdict)}[/{colour}] {_bound(verdict)}"


def _bound(verdict: Verdict) -> str:
    goal = verdict.goal
    sign = "≤" if goal.at_most else "≥"
    if goal.against is None:
        return f"{sign} {goal.bound:g} {goal.entry.unit}"
    same = goal.against.station == goal.entry.station
    return f"{sign} {goal.bound:.3g} x {goal.against.label if same else goal.against.station}"


def _reached(verdict: Verdict) -> str:
    if verdict.value is None:
        return "not measured"
    return f"{verdict.value:.2f}" if verdict.goal.against is not None else figure(verdict.value, verdict.goal.entry)
