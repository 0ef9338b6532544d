"""Errors on the wire: failures, declared errors, and errors of calls that an implementation made."""
