"""Registers the kept answers with Django."""

from django.apps import AppConfig


class IdempotencyConfig(AppConfig):
    name = "tenants.idempotency"
    label = "idempotency"
