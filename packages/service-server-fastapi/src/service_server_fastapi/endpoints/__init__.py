"""Endpoints: calls, health, report."""
