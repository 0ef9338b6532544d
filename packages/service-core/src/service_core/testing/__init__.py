"""Contracts as tests to inherit, for those who write registries."""

from service_core.testing.registry_contract import (
    DiscoveryContract,
    RegistrationContract,
    SnapshotRecorder,
    fresh_component,
)

__all__ = ["DiscoveryContract", "RegistrationContract", "SnapshotRecorder", "fresh_component"]
