"""Descriptions: fetched from a server, read from a file, or made from code."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from service_cli.failures import CommandFailure, ExitCode
from service_cli.targets.http import GET_TIMEOUT, get, problem_text
from service_cli.targets.imports import import_object
from service_core import Component, Service, default_catalog
from service_core.describing import Description, describe, read_description

_ON_SERVER: Final = "the server needs ServerSettings(describe=True) or SERVICE_SERVER_DESCRIBE=true"


def description_of(target: str, *, token: str = "", timeout: float = GET_TIMEOUT) -> Description:
    """The description of a URL, of a JSON file, or of ``module:Component``. Raises CommandFailure."""
    if is_url(target):
        return fetch_description(target, token=token, timeout=timeout)
    if Path(target).suffix == ".json" or Path(target).is_file():
        return _read_file(Path(target))
    return _describe_code(target)


def is_url(target: str) -> bool:
    """Whether a target is an address rather than a name."""
    return "://" in target


def fetch_description(url: str, *, token: str = "", timeout: float = GET_TIMEOUT) -> Description:
    """The description of the server at ``url``. Raises CommandFailure."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    response = get(f"{url.rstrip('/')}/describe", headers=headers, timeout=timeout)
    if response.status_code == 200:
        try:
            return read_description(response.content)
        except ValueError as error:
            raise CommandFailure(f"{url}/describe: {error}", remedy="is it a server of this framework?") from None
    if response.status_code == 401:
        raise CommandFailure(
            f"{url} describes itself only to callers with a token",
            remedy="set one with --token, or in the variable SERVICE_TOKEN",
        )
    remedy = _ON_SERVER if response.status_code in (403, 404) else ""
    raise CommandFailure(f"{url} does not describe itself: {problem_text(response)}", remedy=remedy)


def _read_file(file: Path) -> Description:
    try:
        return read_description(file.read_bytes())
    except (OSError, ValueError) as error:
        raise CommandFailure(
            f"{file}: {error}",
            remedy="write one with 'service describe TARGET --json > FILE'",
            code=ExitCode.USAGE,
        ) from None


def _describe_code(target: str) -> Description:
    if not target.partition(":")[2]:
        raise CommandFailure(
            f"{target!r} is not a target",
            remedy="write a URL such as http://127.0.0.1:8000, a file of 'service describe --json', or "
            "'module:Component'",
            code=ExitCode.USAGE,
        )
    found = import_object(target)
    if isinstance(found, type) and issubclass(found, Component):
        component = default_catalog.component(found)
        return describe((component, service) for service in component.services)
    if isinstance(found, type) and issubclass(found, Service):
        return describe([(default_catalog.component_of(found), default_catalog.service(found))])
    raise CommandFailure(f"{target} is neither a component nor a service", code=ExitCode.USAGE)
