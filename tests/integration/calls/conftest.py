"""A running server and a client of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service_core import ServiceManager, StaticComponentRegistry
from service_server_fastapi import FastAPIServer
from tests.integration.calls.catalogue import CHANNELS, CatalogueModule


@pytest.fixture(scope="module")
def server() -> Iterator[FastAPIServer]:
    with FastAPIServer(host="127.0.0.1", port=0) as server:
        server.boot(CatalogueModule)
        yield server


@pytest.fixture
def manager(server: FastAPIServer) -> Iterator[ServiceManager]:
    """A manager that hosts nothing, so that every call goes through a socket."""
    registry = StaticComponentRegistry({"catalogue-component": dict.fromkeys(CHANNELS, server.url)})
    with ServiceManager(registry) as manager:
        yield manager
