"""Registries: where the instances of a component are."""
