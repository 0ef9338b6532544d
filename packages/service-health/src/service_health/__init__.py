"""Health checks for service-core, and for any Python process."""

from service_core import HealthStatus
from service_health.decorators import health_check, health_checks
from service_health.manager import HealthCheckManager
from service_health.module import HealthModule

__all__ = ["HealthCheckManager", "HealthModule", "HealthStatus", "health_check", "health_checks"]
