"""The life cycle of a server: boot, signals, readiness, stop."""
