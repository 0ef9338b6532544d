"""Listening: sockets of ports and files, TLS, and the uvicorn server on them."""
