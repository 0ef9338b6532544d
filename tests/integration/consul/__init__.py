"""The registry of service-registry-consul, against a real Consul."""
