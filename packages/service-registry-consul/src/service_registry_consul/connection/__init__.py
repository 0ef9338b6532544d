"""Connections to the agent: requests, their errors, retries, and whether the agent answers."""
