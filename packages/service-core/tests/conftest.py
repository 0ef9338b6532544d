"""A fixture of most tests that declare something."""

from __future__ import annotations

import pytest

from service_core.declaring.catalog import Catalog


@pytest.fixture
def catalog() -> Catalog:
    """An empty catalog."""
    return Catalog()
