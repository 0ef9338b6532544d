"""How a command ends: its exit code, and the message with a remedy where it fails."""

from __future__ import annotations

import functools
from collections.abc import Callable
from enum import IntEnum
from typing import NoReturn, ParamSpec, TypeVar

import typer
from rich.text import Text

from service_cli.console import error_console
from service_core import (
    ArgumentException,
    ContractMismatchException,
    DeclarationException,
    LocalServiceException,
    MissingTokenException,
    ProtocolException,
    ServiceCommunicationException,
    ServiceException,
)

P = ParamSpec("P")
R = TypeVar("R")


class ExitCode(IntEnum):
    """What scripts read."""

    DONE = 0
    FAILED = 1
    """The call or the check failed."""
    USAGE = 2
    """The command was given something wrong; nothing was sent."""
    UNREACHABLE = 3
    """No instance could be reached."""
    INTERRUPTED = 130
    """Ctrl-C, as shells count it."""


class CommandFailure(Exception):
    """A command cannot do what was requested; the remedy says what to do instead."""

    def __init__(self, message: str, *, remedy: str = "", code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.code = code


def reported(command: Callable[P, R]) -> Callable[P, R]:
    """Write failures of a command to standard error and end with their exit code, without a traceback."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except KeyboardInterrupt:
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except CommandFailure as failure:
            _end(failure.message, failure.remedy, failure.code)
        except ServiceException as error:
            _end(str(error), _remedy(error), code_of(error))

    return run


def code_of(error: ServiceException) -> ExitCode:
    """The exit code of a call that ended so."""
    if isinstance(error, ArgumentException | DeclarationException):
        return ExitCode.USAGE
    if isinstance(error, ContractMismatchException | ProtocolException):
        return ExitCode.FAILED
    if isinstance(error, ServiceCommunicationException) and not error.may_have_run:
        return ExitCode.UNREACHABLE
    return ExitCode.USAGE if isinstance(error, LocalServiceException) else ExitCode.FAILED


def _remedy(error: ServiceException) -> str:
    if isinstance(error, MissingTokenException):
        return "set a token with --token, or in the variable SERVICE_TOKEN"
    return ""


def _end(message: str, remedy: str, code: ExitCode) -> NoReturn:
    console = error_console()
    console.print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)
    if remedy:
        console.print(Text.assemble(("remedy: ", "bold green"), remedy), soft_wrap=True)
    raise typer.Exit(code)
