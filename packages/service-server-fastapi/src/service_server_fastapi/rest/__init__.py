"""REST routes of services."""
