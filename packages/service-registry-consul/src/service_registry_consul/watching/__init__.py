"""Watching the instances of components."""
