"""A server of one version, the one in the environment; prints its URL and ends with its standard input."""

from __future__ import annotations

import importlib
import os
import sys

from service_core import ComponentRegistry, LocalComponentRegistry
from service_core.di import create, module
from service_server_fastapi import FastAPIServer
from tests.versions.catalogs import SERVES

VERSION = importlib.import_module(f"tests.versions.{os.environ[SERVES]}.server")


@module()
class VersionModule:
    @create()
    def create_registry(self) -> ComponentRegistry:
        return LocalComponentRegistry()


def main() -> None:
    """Serve until the standard input ends."""
    VersionModule.__module__ = VERSION.__name__  # where implementations are looked for
    with FastAPIServer(host="127.0.0.1", port=0) as server:
        server.boot(VersionModule)
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
