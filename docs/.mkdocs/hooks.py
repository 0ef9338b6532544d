"""Hooks of the documentation's build: tables that are made from the code, and roles of docstrings as plain code."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from pydantic_settings import BaseSettings

import service_core
from service_channels_http import HTTPSettings
from service_core import ErrorCode, ServiceException
from service_registry_consul import ConsulSettings
from service_server_fastapi import ServerSettings

__all__ = ["on_page_content", "on_page_markdown"]

_SETTINGS: Final[tuple[type[BaseSettings], ...]] = (ServerSettings, HTTPSettings, ConsulSettings)
_ROLE: Final = re.compile(r":(?:class|meth|func|mod|data|attr|exc):(?=<code>)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in the tables for which a page has a marker such as ``<!-- table: settings -->``."""
    for name, table in _TABLES.items():
        marker = f"<!-- table: {name} -->"
        if marker in markdown:
            markdown = markdown.replace(marker, table())
    return markdown


def on_page_content(html: str, **_: Any) -> str:
    """Write roles such as ``:class:`Name``` as code."""
    return _ROLE.sub("", html)


def settings_table() -> str:
    """All settings of all packages, with default and meaning."""
    return "\n\n".join(_settings_of(cls) for cls in _SETTINGS)


def _settings_of(cls: type[BaseSettings]) -> str:
    prefix = cls.model_config.get("env_prefix", "")
    meanings = dict(_docstrings(cls))
    rows = [
        (f"`{name}`", f"`{_default(name, field.default)}`", _one_line(meanings.get(name, "")))
        for name, field in cls.model_fields.items()
    ]
    variables = f"Variables begin with `{prefix}`, for example `{prefix}{next(iter(cls.model_fields)).upper()}`."
    return f"## {cls.__name__}\n\n{variables}\n\n" + _table(("setting", "default", "meaning"), rows)


def _docstrings(cls: type) -> Iterator[tuple[str, str]]:
    """The attributes of a class with the docstrings that follow them."""
    declarations = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    body = [statement for declaration in declarations for statement in getattr(declaration, "body", ())]
    for statement, after in itertools.pairwise(body):
        match statement, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, text


def _default(name: str, value: object) -> str:
    """The value as one writes it: permissions are octal."""
    return oct(value) if name.endswith("_mode") and isinstance(value, int) else repr(value)


def codes_table() -> str:
    """The error codes with their HTTP status."""
    return _table(("code", "HTTP status"), [(f"`{code.value}`", str(code.http_status)) for code in ErrorCode])


def errors_table() -> str:
    """The public exceptions with their bases and what they mean."""
    found = [getattr(service_core, name) for name in service_core.__all__]
    errors = [cls for cls in found if isinstance(cls, type) and issubclass(cls, ServiceException)]
    rows = [(f"`{cls.__name__}`", f"`{cls.__base__.__name__}`", _first_line(cls)) for cls in errors if cls.__base__]
    return _table(("error", "is a", "meaning"), rows)


_TABLES: Final[dict[str, Callable[[], str]]] = {
    "settings": settings_table,
    "codes": codes_table,
    "errors": errors_table,
}


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _first_line(cls: type) -> str:
    return _one_line((inspect.getdoc(cls) or "").split("\n\n")[0])
