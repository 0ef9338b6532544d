"""Calls without interface code: arguments are read and checked by the description, and sent over the usual channels."""
