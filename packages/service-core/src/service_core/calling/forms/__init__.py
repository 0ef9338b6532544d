"""Sync and async forms of a method, and the warning about sync calls on an event loop."""
