"""Bars and lines as SVG text that can be read on light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

__all__ = ["Series", "bars", "lines"]

_WIDTH: Final = 720
_LEFT: Final = 90
_COLOURS: Final[Mapping[str, str]] = {
    "floor": "#8a8f98",
    "ours": "#1f9d63",
    "aspyx": "#d9822b",
    "grpc": "#3b78d8",
}
_STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#222}.title{font-weight:600;font-size:15px}.grid{stroke:#8886}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}}"
)


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a diagram."""

    name: str
    points: Sequence[tuple[float, float]]


def bars(title: str, groups: Mapping[str, Sequence[tuple[str, float]]]) -> str:
    """One bar for each name and value, all on one linear scale that begins at zero."""
    longest = max(value for group in groups.values() for _, value in group)
    room = _WIDTH - _LEFT - 80
    parts: list[str] = []
    y = 40
    for heading, group in groups.items():
        y += 22
        parts.append(_text(10, y, heading))
        for name, value in group:
            y += 22
            length = max(1.0, value / longest * room)
            parts.append(_text(_LEFT - 8, y, name, anchor="end"))
            parts.append(f'<rect x="{_LEFT}" y="{y - 13}" width="{length:.1f}" height="16" fill="{_colour(name)}"/>')
            parts.append(_text(_LEFT + length + 6, y, f"{value:,.0f}"))
        y += 8
    return _picture(title, y + 16, parts)


def lines(title: str, x_title: str, series: Sequence[Series]) -> str:
    """One line for each series, both axes logarithmic."""
    height, top, right = 400, 50, _WIDTH - 90
    bottom = height - 50
    xs = [x for one in series for x, _ in one.points]
    ys = [y for one in series for _, y in one.points]
    left_x, right_x = math.log10(min(xs)), math.log10(max(xs))
    low, high = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))

    def at(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - left_x) / (right_x - left_x or 1)
        up = (math.log10(y) - low) / (high - low or 1)
        return _LEFT + across * (right - _LEFT), bottom - up * (bottom - top)

    parts: list[str] = []
    for power in range(low, high + 1):
        _, y = at(min(xs), 10.0**power)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{right}"/>')
        parts.append(_text(_LEFT - 8, y + 4, f"{10**power:,}", anchor="end"))
    for value in sorted(set(xs)):
        x, _ = at(value, 10.0**low)
        parts.append(_text(x, bottom + 20, f"{value:,.0f}", anchor="middle"))
    parts.append(_text((_LEFT + right) / 2, bottom + 40, x_title, anchor="middle"))
    for one in series:
        parts += _line(one, [at(x, y) for x, y in one.points])
    return _picture(title, height, parts)


def _line(series: Series, points: Sequence[tuple[float, float]]) -> Iterable[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    colour = _colour(series.name)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>'
    for x, y in points:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>'
    x, y = points[-1]
    yield _text(x + 10, y + 4, series.name)


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _colour(name: str) -> str:
    return _COLOURS.get(name, "#8a8f98")


def _picture(title: str, height: int, parts: Iterable[str]) -> str:
    heading = f'<text class="title" x="10" y="24">{escape(title)}</text>'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style>",
            heading,
            *parts,
            "</svg>\n",
        ]
    )
