"""Consul as the component registry of service-core."""
