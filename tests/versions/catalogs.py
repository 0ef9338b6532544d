"""Where each version is declared: apart in the process of the callers, in the catalog of the process that serves it."""

from __future__ import annotations

import os

from service_core import Catalog, default_catalog

__all__ = ["CHANNELS", "SERVES", "catalog_for"]

CHANNELS = ("dispatch-json", "dispatch-msgpack", "rest")
"""The channels of all components."""
SERVES = "TESTS_VERSIONS_SERVES"
"""The environment variable with the version that a process serves."""


def catalog_for(version: str) -> Catalog:
    """The catalog for the declarations of a version."""
    return default_catalog if os.environ.get(SERVES) == version else Catalog()
