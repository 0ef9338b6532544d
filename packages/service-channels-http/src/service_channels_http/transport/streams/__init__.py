"""Requests and responses whose bodies come in parts, over connections of their own."""
