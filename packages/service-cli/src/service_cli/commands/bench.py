"""``service bench``: load on one method."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from service_cli.bench.load import Call, closed_loop, open_loop
from service_cli.bench.samples import Samples
from service_cli.calling.arguments import read_arguments
from service_cli.calling.calls import callable_of
from service_cli.commands.call import callee_of
from service_cli.console import console, error_console, show, write_json
from service_cli.failures import CommandFailure, ExitCode
from service_cli.options import AsJSON, Channel, Consul, File, Method, Target, Timeout, Token, Words
from service_cli.rendering.load import as_data, load_view
from service_core import Policy

_UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0}


def bench(
    target: Target,
    method: Method,
    arguments: Words = None,
    duration: Annotated[str, typer.Option("--for", metavar="TIME", help="How long: 10s, 500ms, 2m.")] = "10s",
    in_flight: Annotated[int, typer.Option("--in-flight", min=1, help="Most calls at once.")] = 64,
    rate: Annotated[float, typer.Option("--rate", min=0, help="Calls per second, independent of the server.")] = 0,
    consul: Consul = "",
    file: File = "",
    channel: Channel = "",
    timeout: Timeout = 10.0,
    token: Token = "",
    as_json: AsJSON = False,
) -> None:
    """Call a method under load, and show throughput and latency.

    Without --rate as many calls as --in-flight are kept in progress (a closed loop). With --rate calls are due at that
    rate, and latency counts from the time when a call was due (an open loop). No call is retried.
    """
    seconds = _seconds(duration)
    callee = callee_of(target, method, consul=consul, file=file, channel=channel, token=token)
    if callee.method.result.stream or any(parameter.value.stream for parameter in callee.method.parameters):
        raise CommandFailure(
            f"{callee.method.name} has a stream, whose items are no calls to be measured",
            remedy="choose a method with one result",
            code=ExitCode.USAGE,
        )
    given = read_arguments(arguments or [], callee.method)
    samples = Samples()
    policy = Policy(timeout=timeout, max_attempts=1, eject_after=0)
    with callable_of(callee, token=token, policy=policy, is_async=True) as invoke:
        asyncio.run(_run(lambda: invoke(**given), seconds, rate, in_flight, samples))
    if as_json:
        write_json(as_data(samples))
    else:
        loop = f"open loop, {rate:g} calls/s" if rate else f"closed loop, {in_flight} in flight"
        title = f"{callee.service.name}.{callee.method.name} over {callee.channel}, {loop}"
        show(load_view(samples, title=title, width=min(console().width, 120)))
    if not samples.count:
        raise typer.Exit(ExitCode.UNREACHABLE if set(samples.errors) <= _NOT_REACHED else ExitCode.FAILED)
    if samples.errors:
        raise typer.Exit(ExitCode.FAILED)


_NOT_REACHED = frozenset({"ServiceCommunicationException", "ComponentUnavailableException"})


async def _run(call: Call, seconds: float, rate: float, in_flight: int, samples: Samples) -> None:
    load: Any = (
        open_loop(call, seconds=seconds, rate=rate, in_flight=in_flight, samples=samples)
        if rate
        else closed_loop(call, seconds=seconds, in_flight=in_flight, samples=samples)
    )
    work = asyncio.create_task(load)
    begin = time.perf_counter()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=error_console(), transient=True, disable=not error_console().is_terminal) as shown:
        task = shown.add_task("0 calls", total=seconds)
        while not work.done():
            await asyncio.wait([work], timeout=0.1)
            failed = f", {samples.errors.total()} failed" if samples.errors else ""
            elapsed = min(seconds, time.perf_counter() - begin)
            shown.update(task, completed=elapsed, description=f"{samples.count} calls{failed}")
    await work


def _seconds(text: str) -> float:
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|)", text)
    if found is None or float(found[1]) == 0:
        raise CommandFailure(f"--for {text!r} is not a duration", remedy="write 10s, 500ms or 2m", code=ExitCode.USAGE)
    return float(found[1]) * _UNITS[found[2]]
