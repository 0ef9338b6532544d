"""``service call``: one call, checked before it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from pydantic_core import to_json, to_jsonable_python

from service_cli.calling.arguments import read_arguments
from service_cli.calling.calls import callable_of, sends_bytes
from service_cli.console import show, write_json
from service_cli.failures import CommandFailure, ExitCode, code_of
from service_cli.options import AsJSON, Channel, Consul, File, Method, Target, Timeout, Token, Words
from service_cli.rendering.values import value_view
from service_cli.targets.callees import Callee, find_callee
from service_cli.targets.instances import Source
from service_core import Policy, RemoteServiceException, ServiceException


def call(
    target: Target,
    method: Method,
    arguments: Words = None,
    consul: Consul = "",
    file: File = "",
    channel: Channel = "",
    timeout: Timeout = 10.0,
    token: Token = "",
    as_json: AsJSON = False,
) -> None:
    """Call a method and show its result.

    A value is JSON, or a text where the type admits one: limit=3 text=hello 'query={"text": "a"}'.
    """
    callee = callee_of(target, method, consul=consul, file=file, channel=channel, token=token)
    given = read_arguments(arguments or [], callee.method)
    with callable_of(callee, token=token, policy=Policy(timeout=timeout)) as invoke:
        try:
            _show(invoke(**given), as_json=as_json)
        except ServiceException as error:
            if as_json:
                write_json({"error": _error(error)})
                raise typer.Exit(code_of(error)) from None
            if isinstance(error, RemoteServiceException) and error.type in {one.name for one in callee.method.errors}:
                raise _declared(error) from None
            raise


def callee_of(target: str, method: str, *, consul: str, file: str, channel: str, token: str) -> Callee:
    """The method to call, by the options. Raises CommandFailure."""
    source = Source(consul=consul, file=file) if consul or file else None
    callee = find_callee(target, method, source=source, channel=channel, token=token)
    if callee.channel == "dispatch-msgpack" and sends_bytes(callee.method):
        raise CommandFailure(
            f"{callee.method.name} takes bytes, which are typed as base64 and sent in JSON",
            remedy="call it over dispatch-json or rest",
            code=ExitCode.USAGE,
        )
    return callee


def _show(result: Any, *, as_json: bool) -> None:
    if isinstance(result, Iterator):
        for item in result:
            _show_value(item, as_json=as_json, in_one_line=True)
    else:
        _show_value(result, as_json=as_json, in_one_line=False)


def _show_value(value: Any, *, as_json: bool, in_one_line: bool) -> None:
    plain = to_jsonable_python(value, bytes_mode="base64")
    if as_json:
        write_json(plain, in_one_line=in_one_line)
    else:
        show(value_view(plain))


def _declared(error: RemoteServiceException) -> CommandFailure:
    """An error that the method declares is an outcome: its name and its fields are printed."""
    details = error.details
    fields = details.get("fields", details) if isinstance(details, dict) else details
    return CommandFailure(f"{error.type} ({error.code.value}) {to_json(fields).decode()}")


def _error(error: ServiceException) -> dict[str, Any]:
    return {
        "type": getattr(error, "type", "") or type(error).__name__,
        "code": error.code.value,
        "message": str(error),
        "details": to_jsonable_python(error.details, fallback=str),
        "correlation_id": error.correlation_id,
    }
