"""A fixture of most tests that declare something, and property tests without a time limit per example."""

from __future__ import annotations

import pytest
from hypothesis import settings

from service_core.declaring.catalog import Catalog

settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")


@pytest.fixture
def catalog() -> Catalog:
    """An empty catalog."""
    return Catalog()
