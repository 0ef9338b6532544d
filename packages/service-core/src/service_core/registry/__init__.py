"""Registries: where the instances of a component are."""

from service_core.addresses import LOCAL
from service_core.declaring.health import HealthSource
from service_core.registry.base import snapshot_of
from service_core.registry.subscription import Snapshot

__all__ = ["LOCAL", "HealthSource", "Snapshot", "snapshot_of"]
