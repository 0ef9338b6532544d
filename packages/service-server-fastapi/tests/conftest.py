"""The address of a module's server and the objects behind it, as new for each test."""

from __future__ import annotations

import pytest
from desk import World

from service_server_fastapi import FastAPIServer


@pytest.fixture
def url(served: tuple[FastAPIServer, World]) -> str:
    server, world = served
    world.desk.forget()
    return server.url


@pytest.fixture
def world(served: tuple[FastAPIServer, World]) -> World:
    return served[1]
