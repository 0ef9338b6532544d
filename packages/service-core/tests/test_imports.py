"""The names of the package root, and what ``import service_core`` leaves for later."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import service_core

INTERFACE = """
import sys

before = set(sys.modules)
from abc import abstractmethod
from service_core import Component, Policy, Service, component, idempotent, raises, service, with_policy

@service()
class Greeter(Service):
    @abstractmethod
    @idempotent
    @with_policy(Policy(timeout=5.0))
    def greet(self, name: str) -> str: ...

@component(services=[Greeter])
class GreeterComponent(Component): ...

print(*set(sys.modules) - before)
"""


def test_a_module_that_declares_interfaces_imports_little() -> None:
    done = subprocess.run([sys.executable, "-c", INTERFACE], check=True, capture_output=True, text=True)
    imported = set(done.stdout.split())
    ours = {name for name in imported if name.partition(".")[0] == "service_core"}
    assert len(ours) <= 12, sorted(ours)
    assert not imported & {"asyncio", "dishka", "importlib.metadata", "msgpack", "pydantic", "ssl"}


def test_names_are_imported_for_type_checkers_as_they_are_at_run_time() -> None:
    tree = ast.parse(Path(service_core.__file__).read_text(encoding="utf-8"))
    declared = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("service_core.")
        for alias in node.names
    }
    assert declared == service_core._MODULES
    assert sorted(declared) == sorted(service_core.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'service_core' has no attribute 'Servise'"):
        service_core.Servise  # noqa: B018
    assert "ServiceManager" in dir(service_core)
