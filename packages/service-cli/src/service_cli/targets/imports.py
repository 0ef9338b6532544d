"""Objects of Python modules, named as ``module:name``."""

from __future__ import annotations

import difflib
import importlib
import sys
from typing import Any

from service_cli.failures import CommandFailure, ExitCode
from service_core import ServiceException


def import_object(target: str) -> Any:
    """The object that ``module:name`` names; modules of the current folder are found. Raises CommandFailure."""
    module_name, _, name = target.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")  # as 'python -m' does
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise CommandFailure(
            f"{target}: there is no module '{error.name}'",
            remedy="run the command in the folder that holds it, or install it",
            code=ExitCode.USAGE,
        ) from None
    except (ImportError, ServiceException) as error:
        raise CommandFailure(f"{target}: {error}", code=ExitCode.USAGE) from None
    if not hasattr(module, name):
        classes = [each for each, value in vars(module).items() if isinstance(value, type)]
        close = difflib.get_close_matches(name, classes, n=1)
        raise CommandFailure(
            f"{target}: module '{module_name}' has no '{name}'",
            remedy=f"write {module_name}:{close[0]}" if close else "write module:Class",
            code=ExitCode.USAGE,
        )
    return getattr(module, name)
