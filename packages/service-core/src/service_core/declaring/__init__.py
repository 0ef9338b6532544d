"""Declarations: interfaces and what decorators add to them, as values."""
