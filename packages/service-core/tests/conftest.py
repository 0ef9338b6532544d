"""Settings of the property tests: no time limit per example, since machines differ."""

from hypothesis import settings

settings.register_profile("service-core", deadline=None)
settings.load_profile("service-core")
