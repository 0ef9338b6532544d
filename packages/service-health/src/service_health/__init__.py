"""Health checks for service-core, and for any Python process."""
