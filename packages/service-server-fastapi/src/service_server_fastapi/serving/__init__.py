"""The ways to serve: on a listener of its own, or under another ASGI server."""
