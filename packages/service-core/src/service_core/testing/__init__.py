"""Test kit: services without a network, injected faults, and contracts to inherit for channels and registries.

Nothing here needs a test framework to be installed.
"""

from service_core.testing.channel_contract import ChannelContract
from service_core.testing.contract_service import ContractComponentImpl, ContractServiceImpl
from service_core.testing.faults import FaultPlan, PlannedFaults
from service_core.testing.in_memory import InMemoryNetwork, in_memory
from service_core.testing.instance_contract import InstanceContract
from service_core.testing.registry_contract import (
    DiscoveryContract,
    RegistrationContract,
    SnapshotRecorder,
    fresh_component,
)
from service_core.testing.scripted_registry import ScriptedRegistry
from service_core.testing.streams.contract import StreamContract
from service_core.testing.streams.contract_service import StreamContractServiceImpl

__all__ = [
    # services without a network
    "in_memory",
    "InMemoryNetwork",
    "FaultPlan",
    "PlannedFaults",
    "ScriptedRegistry",
    # contracts
    "ChannelContract",
    "InstanceContract",
    "ContractServiceImpl",
    "ContractComponentImpl",
    "StreamContract",
    "StreamContractServiceImpl",
    "DiscoveryContract",
    "RegistrationContract",
    "SnapshotRecorder",
    "fresh_component",
]
