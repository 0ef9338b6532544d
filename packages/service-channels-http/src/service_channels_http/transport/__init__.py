"""Transports: one request in, one reply out."""
