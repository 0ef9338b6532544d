"""Registering the components of this process."""
