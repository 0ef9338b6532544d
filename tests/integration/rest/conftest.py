"""A running gallery and clients of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service_core import ServiceManager, StaticComponentRegistry
from service_server_fastapi import FastAPIServer
from tests.integration.rest.gallery import CHANNELS, GalleryModule


@pytest.fixture(scope="package")
def server() -> Iterator[FastAPIServer]:
    with FastAPIServer(host="127.0.0.1", port=0) as server:
        server.boot(GalleryModule)
        yield server


@pytest.fixture
def manager(server: FastAPIServer) -> Iterator[ServiceManager]:
    """A manager that hosts nothing, so that every call goes through a socket."""
    registry = StaticComponentRegistry({"gallery-component": dict.fromkeys(CHANNELS, server.url)})
    with ServiceManager(registry) as manager:
        yield manager
