"""The new version."""
