"""A registry that a test scripts."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from service_core.registry.base import LocalComponentRegistry
from service_core.registry.static import StaticComponentRegistry
from service_core.registry.subscription import Snapshot

_NONE: Final[Snapshot] = MappingProxyType({})


class ScriptedRegistry(LocalComponentRegistry):
    """Publishes the instances that the test sets, and fails on request; safe to use from several threads.

    While it fails it publishes nothing, as a registry that cannot be reached: callers keep the last snapshot and
    receive the changes when it has recovered.
    """

    def __init__(self, components: Mapping[str, Any] | None = None) -> None:
        """``components`` are published at once, in the form that :class:`StaticComponentRegistry` takes."""
        super().__init__()
        self._offered: dict[str, Snapshot] = {}
        self._failing = False
        for component, channels in (components or {}).items():
            self.offer(component, channels)

    def offer(self, component: str, channels: Any) -> None:
        """Register a component at these addresses instead of those before.

        They are given as ``{channel: url or [urls]}`` or as ``"channel(url),..."``. Raises LocalServiceException if
        they are given otherwise.
        """
        given = StaticComponentRegistry({component: channels})
        self.publish(component, given.snapshot(component) or _NONE)

    def describe(self) -> str:
        """The names of the components that it publishes, and where a test adds one."""
        names = ", ".join(sorted(name for name, snapshot in self._offered.items() if snapshot)) or "no component"
        return f"ScriptedRegistry with {names}; pass an implementation to in_memory(), or an address to offer()"

    def withdraw(self, component: str) -> None:
        """Remove a component."""
        self.publish(component, _NONE)

    def fail(self) -> None:
        """Publish nothing from now on."""
        self._failing = True

    def recover(self) -> None:
        """Publish again, including what has changed meanwhile."""
        with self._changed:
            self._failing = False
            components = self._followed | self._offered.keys()
        for component in components:
            super().publish(component, self._offered.get(component, _NONE))

    def follow(self, component: str) -> None:
        """Publish the current instances at once; nothing while the registry fails."""
        self.publish(component, self._offered.get(component, _NONE))

    def publish(self, component: str, snapshot: Snapshot) -> None:
        """Store the instances, and publish them unless the registry fails."""
        with self._changed:
            self._offered[component] = snapshot
            if self._failing:
                return
        super().publish(component, snapshot)
