"""Registries: where the instances of a component are."""

from service_core.registry.base import snapshot_of
from service_core.registry.subscription import Snapshot

__all__ = ["Snapshot", "snapshot_of"]
