"""What was measured, as text for a terminal and as data for programs."""

from __future__ import annotations

from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from service_cli.bench.samples import Samples

_BLOCKS: Final = " ▁▂▃▄▅▆▇█"
_SLICES: Final = 60


def load_view(samples: Samples, *, title: str, width: int) -> RenderableType:
    """Throughput, percentiles, a histogram and the run over time; ``width`` in columns."""
    parts: list[RenderableType] = [_summary(samples, title)]
    if samples.count:
        parts += [Text(), _percentiles(samples), Text(), _histogram(samples, width), Text(), _over_time(samples, width)]
    for name, count in samples.errors.most_common():
        parts.append(Text(f"{count} x {name}", style="red"))
    return Group(*parts)


def as_data(samples: Samples) -> dict[str, Any]:
    """The same as JSON-like data; times in seconds."""
    return {
        "seconds": samples.seconds,
        "succeeded": samples.count,
        "failed": samples.errors.total(),
        "per_second": samples.per_second,
        "percentiles": {f"{rank:g}": value for rank, value in samples.percentiles().items()},
        "errors": dict(samples.errors),
        "histogram": samples.histogram(),
    }


def _summary(samples: Samples, title: str) -> Text:
    failed = samples.errors.total()
    return Text.assemble(
        (title, "bold"),
        f"\n{samples.count} calls in {samples.seconds:.1f} s, {samples.per_second:.0f} per second, ",
        (f"{failed} failed", "red" if failed else "green"),
    )


def _percentiles(samples: Samples) -> Table:
    table = Table(box=None, pad_edge=False)
    found = samples.percentiles()
    for rank in found:
        table.add_column("max" if rank == 100 else f"p{rank:g}", justify="right")
    table.add_row(*(_time(value) for value in found.values()))
    return table


def _histogram(samples: Samples, width: int) -> Table:
    buckets = samples.histogram()
    most = max(bucket.count for bucket in buckets)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    space = max(10, min(60, width - 24))
    for bucket in buckets:
        table.add_row(f"{_time(bucket.low)}", Text("█" * round(space * bucket.count / most), "cyan"), str(bucket.count))
    return table


def _over_time(samples: Samples, width: int) -> Table:
    slices = samples.slices(max(10, min(_SLICES, width - 36)))
    span = samples.seconds / len(slices)
    rates, tails = [one.count / span for one in slices], [one.p99 for one in slices]
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_row("calls/s", Text(_plot(rates), "cyan"), f"up to {max(rates):.0f}")
    table.add_row("p99", Text(_plot(tails), "magenta"), f"up to {_time(max(tails))}")
    return table


def _plot(values: list[float]) -> str:
    most = max(values) or 1.0
    return "".join(_BLOCKS[round(value / most * (len(_BLOCKS) - 1))] for value in values)


def _time(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.2f} ms" if seconds >= 0.001 else f"{seconds * 1e6:.0f} µs"
