"""From Consul's answer about a component to the snapshot for callers. Pure: no I/O, no state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from service_core import ChannelAddress
from service_core.registry import LOCAL, Snapshot, snapshot_of
from service_registry_consul.meta import read_channels, read_metadata
from service_registry_consul.watching.address_filter import AddressFilter

_RANK: Final = {"passing": 0, "warning": 1}
"""States in which an instance is called, in order of preference; all others (critical, maintenance) are not."""
_AGENT: Final = "serfHealth"
"""The check by which the agents of a cluster watch each other; it belongs to a node and to no service."""
_MAINTENANCE: Final = ("_node_maintenance", "_service_maintenance")
"""How the checks of an operator begin, which are never run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The content of an answer about one component."""

    snapshot: Snapshot
    """Its addresses: passing instances before those with a warning."""
    unhealthy: frozenset[str]
    """Addresses of instances that are not to be called for a reason of their own: not one of their agent."""
    critical: frozenset[str]
    """Addresses of those, and of instances whose checks have not run yet or whose agent has failed."""
    skipped: tuple[str, ...]
    """The skipped registrations and addresses, with the reasons."""


def read_nodes(component: str, nodes: Any, policy: AddressFilter) -> Reading:
    """Read the answer of ``/v1/health/service/<component>``. Raises ValueError if it is not a list."""
    if not isinstance(nodes, list):
        raise ValueError(f"a list of instances was expected, not {type(nodes).__name__}")  # noqa: TRY004
    skipped: list[str] = []
    instances: list[tuple[int, str, list[ChannelAddress]]] = []
    unhealthy: set[str] = set()
    critical: set[str] = set()
    metadata: dict[str, dict[str, str]] = {}
    for node in nodes:
        where = f"component '{component}', registration {_id(node)!r}"
        try:
            meta, rank, is_unreported = _parts(node)
            addresses = read_channels(meta)
            if rank is None:
                unhealthy.update(address.uri for address in addresses)
                continue
            if not addresses:
                raise ValueError("its meta entries name no channels, so it is not a component")
        except ValueError as error:
            skipped.append(f"{where} is skipped: {error}")
            continue
        if is_unreported:
            critical.update(address.uri for address in addresses)
            continue
        usable, objections = _filter(addresses, policy)
        skipped += [f"{where}: {objection}" for objection in objections]
        instances.append((rank, _id(node), usable))
        about = read_metadata(meta)
        metadata |= {address.uri: about for address in usable if about}
    # Consul guarantees no order; without sorting, equal answers could look different.
    instances.sort(key=lambda instance: instance[:2])
    return Reading(
        snapshot=snapshot_of(component, [addresses for _, _, addresses in instances], metadata),
        unhealthy=frozenset(unhealthy),
        critical=frozenset(unhealthy | critical),
        skipped=tuple(skipped),
    )


def _id(node: Any) -> str:
    """The id of an instance, or a replacement for it."""
    service = node.get("Service") if isinstance(node, Mapping) else node
    return str(service.get("ID") if isinstance(service, Mapping) else node)[:100]


def _parts(node: Any) -> tuple[Mapping[str, str], int | None, bool]:
    """Meta entries of an instance, its rank (None if it is not to be called), and whether the rank leaves out a check
    that says nothing about the instance. Raises ValueError.
    """
    if not isinstance(node, Mapping) or not isinstance(node.get("Service"), Mapping):
        raise ValueError("it is not a registration of a service")  # noqa: TRY004
    meta, checks = node["Service"].get("Meta") or {}, node.get("Checks") or []
    if not isinstance(meta, Mapping) or not all(isinstance(value, str) for value in meta.values()):
        raise ValueError("its meta entries are not strings")
    if not isinstance(checks, list) or not all(isinstance(check, Mapping) for check in checks):
        raise ValueError("its checks are not a list of checks")
    telling = [check for check in checks if not _says_nothing(check)]
    return meta, _rank(telling), len(telling) < len(checks)


def _says_nothing(check: Mapping[str, Any]) -> bool:
    """Whether a check is critical for a reason that is not its instance.

    The agent of the node has failed, or it has read the check from its disk and not run it yet: that is critical
    without an output.
    """
    if check.get("Status") != "critical":
        return False
    name = str(check.get("CheckID"))
    return name == _AGENT or (check.get("Output") == "" and not name.startswith(_MAINTENANCE))


def _rank(checks: Sequence[Mapping[str, Any]]) -> int | None:
    """The rank by the worst check, None if the instance is not to be called."""
    ranks = [_RANK.get(str(check.get("Status")), len(_RANK)) for check in checks]
    worst = max(ranks, default=0)
    return worst if worst < len(_RANK) else None


def _filter(addresses: list[ChannelAddress], policy: AddressFilter) -> tuple[list[ChannelAddress], list[str]]:
    """The addresses that may be called, and the objections to others."""
    usable: list[ChannelAddress] = []
    objections: list[str] = []
    for address in addresses:
        if address.channel == LOCAL:
            continue
        objection = policy.objection(address.uri)
        if objection is None:
            usable.append(address)
        else:
            objections.append(f"the address of channel '{address.channel}' is not used: {objection}")
    return usable, objections
