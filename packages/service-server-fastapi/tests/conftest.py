"""The address of a module's server and the objects behind it, as new for each test; no time limit per example."""

from __future__ import annotations

import pytest
from desk import World
from hypothesis import settings

from service_server_fastapi import FastAPIServer

settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")


@pytest.fixture
def url(served: tuple[FastAPIServer, World]) -> str:
    server, world = served
    world.desk.forget()
    return server.url


@pytest.fixture
def world(served: tuple[FastAPIServer, World]) -> World:
    return served[1]
