"""Calling: proxies, channels, routers and the service manager."""
