"""Streams in plain HTTP: which have routes, their forms, and how clients read them."""
