"""What several test suites share: a real Consul, a Docker engine, figures for the report."""
