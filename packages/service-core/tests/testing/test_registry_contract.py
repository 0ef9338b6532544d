"""The registries of the core keep the contract that they are examples of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest

from service_core.addresses import ChannelAddress, format_addresses
from service_core.registry.base import ComponentRegistry, LocalComponentRegistry
from service_core.registry.static import StaticComponentRegistry
from service_core.testing import DiscoveryContract, RegistrationContract, SnapshotRecorder


class TestLocalComponentRegistry(RegistrationContract):
    @contextmanager
    def registries(self) -> Iterator[tuple[ComponentRegistry, ComponentRegistry]]:
        with LocalComponentRegistry() as registry:
            yield registry, registry


class TestStaticComponentRegistry(DiscoveryContract):
    @contextmanager
    def offering(self, components: Mapping[str, Sequence[ChannelAddress]]) -> Iterator[ComponentRegistry]:
        written = {name: format_addresses(addresses) for name, addresses in components.items()}
        with StaticComponentRegistry(written) as registry:
            yield registry


def test_a_recorder_that_waits_in_vain_lists_what_it_received() -> None:
    recorder = SnapshotRecorder()
    recorder({})
    with pytest.raises(TimeoutError, match=r"after 0\.01 s the listener has received \[\{\}\]"):
        recorder.wait_until(bool, 0.01)
