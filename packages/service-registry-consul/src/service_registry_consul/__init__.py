"""Consul as the component registry of service-core."""

from service_registry_consul.connection.connectivity import ConsulStatus
from service_registry_consul.registry import ConsulComponentRegistry
from service_registry_consul.settings import ConsulSettings

__all__ = ["ConsulComponentRegistry", "ConsulSettings", "ConsulStatus"]
