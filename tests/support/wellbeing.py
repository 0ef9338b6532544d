"""Whether a server is as well as before, whatever was done to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tests.support.consul import ConsulAgent
from tests.support.memory import MB, resident_memory
from tests.support.waiting import eventually

__all__ = ["MARGIN", "Patient", "unharmed"]

MARGIN: Final = 32 * MB
"""Memory that a server may keep, since its allocator does not give all back: two of the largest bodies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A server process that registers with Consul, which asks for its health."""

    process: int
    """The id of the process."""
    component: str
    """The component that it offers."""
    port: int
    """Where it listens, by which its registration is found."""
    consul: ConsulAgent
    """Where it is registered."""
    serves: Callable[[], object]
    """Calls a method of the server; raises if there is no answer."""
    health_asked: Callable[[], int]
    """How often Consul has asked for the health of the component and got an answer."""

    def verdict(self) -> tuple[str, int]:
        """What Consul thinks of it, and the index of the last time that this was changed."""
        [check] = (
            check
            for node in self.consul.instances(self.component)
            if node["Service"]["Port"] == self.port
            for check in node["Checks"]
            if check["ServiceID"]
        )
        return check["Status"], check["ModifyIndex"]


@contextmanager
def unharmed(patient: Patient) -> Iterator[None]:
    """What is done inside the block does no harm that lasts: the server serves, and has its memory back.

    Consul calls it healthy: has asked for that once more since, and has not thought otherwise for a moment.
    """
    patient.serves()
    memory, verdict = resident_memory(patient.process), patient.verdict()
    assert verdict[0] == "passing", f"Consul calls it {verdict[0]} to begin with"
    yield
    patient.serves()
    eventually(lambda: resident_memory(patient.process) < memory + MARGIN)
    asked = patient.health_asked()
    # With the second question the answer to the first has arrived.
    eventually(lambda: patient.health_asked() >= asked + 2)
    assert patient.verdict() == verdict, f"Consul has thought otherwise meanwhile: {verdict}, {patient.verdict()}"
