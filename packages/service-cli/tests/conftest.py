"""A served shop, and the command as a function."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from order_shop import ShopModule
from typer.testing import CliRunner

from service_cli.program import app
from service_server_fastapi import FastAPIServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a command did."""

    code: int
    output: str
    error: str

    @property
    def json(self) -> Any:
        return json.loads(self.output)


Command = Callable[..., Outcome]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with FastAPIServer("127.0.0.1", 0) as server:
        server.boot(ShopModule)
        yield server.url


@pytest.fixture
def service() -> Command:
    def run(*words: str, input: str | None = None) -> Outcome:  # noqa: A002 - as subprocess names it
        result = CliRunner().invoke(app, words, input=input)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(code=result.exit_code, output=result.stdout, error=result.stderr)

    return run
