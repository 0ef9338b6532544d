"""The old version."""
