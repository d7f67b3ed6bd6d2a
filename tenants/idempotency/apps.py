"""Registers the kept answers with Django."""

from django.apps import AppConfig


class IdempotencyConfig(AppConfig):
    name = "tenants.idempotency"
    label = "idempotency"

    def ready(self) -> None:
        from tenants.idempotency.models import forget_expired
        from tenants.retention import Retention, register

        register(Retention("idempotency", 0, forget_expired))
