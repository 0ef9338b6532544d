"""A registry that says what a test tells it to say."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from service_core.registry.base import LocalComponentRegistry, Snapshot
from service_core.registry.static import StaticComponentRegistry

__all__ = ["ScriptedRegistry"]

_NOBODY: Final[Snapshot] = MappingProxyType({})


class ScriptedRegistry(LocalComponentRegistry):
    """Offers, withdraws and fails on command; any thread may command it.

    What is offered and what is known are two things while it fails, as with a registry that cannot be reached:
    callers keep what was known, and learn the rest when it has recovered.
    """

    def __init__(self, components: Mapping[str, Any] | None = None) -> None:
        """``components`` are offered at once, in the form that :class:`StaticComponentRegistry` takes."""
        super().__init__()
        self._offered: dict[str, Snapshot] = {}
        self._failing = False
        for component, channels in (components or {}).items():
            self.offer(component, channels)

    def offer(self, component: str, channels: Any) -> None:
        """Offer a component under these addresses instead of those before.

        They are given as ``{channel: url or [urls]}`` or as ``"channel(url),..."``. Raises LocalServiceException if
        they are given otherwise.
        """
        given = StaticComponentRegistry({component: channels})
        self.publish(component, given.snapshot(component) or _NOBODY)

    def withdraw(self, component: str) -> None:
        """Offer a component no longer."""
        self.publish(component, _NOBODY)

    def fail(self) -> None:
        """Find out nothing from now on."""
        self._failing = True

    def recover(self) -> None:
        """Find out again, also what has changed meanwhile."""
        with self._changed:
            self._failing = False
            for component in self._followed | self._offered.keys():
                self.publish(component, self._offered.get(component, _NOBODY))

    def follow(self, component: str) -> None:
        """Know at once what is offered; nothing while it fails."""
        self.publish(component, self._offered.get(component, _NOBODY))

    def publish(self, component: str, snapshot: Snapshot) -> None:
        """Take note of what is offered, and make it known unless the registry fails."""
        with self._changed:
            self._offered[component] = snapshot
            if not self._failing:
                super().publish(component, snapshot)
