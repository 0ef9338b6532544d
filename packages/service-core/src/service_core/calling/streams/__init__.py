"""Streams as callers see them: generators over what a handler gives."""
