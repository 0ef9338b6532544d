"""Settings of the property tests: no time limit per example, since machines differ."""

from hypothesis import settings

settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")
