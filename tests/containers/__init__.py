"""Recipes that are run by a real Docker engine; see ``tests.support.docker_engine``."""
