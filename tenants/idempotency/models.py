"""The kept answers: one row for each Idempotency-Key, for a day."""

import hashlib
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self
from uuid import UUID

from django.db import connection, models
from django.utils import timezone

from tenants.models_base import TenantForeignKey, TenantManager, TenantModel, TenantQuerySet

LIFETIME = timedelta(hours=24)


class IdempotencyQuerySet(TenantQuerySet["IdempotencyRecord"]):
    """The kept answers of the workspace in scope."""

    def live(self) -> Self:
        return self.filter(expires_at__gt=timezone.now())

    def expired(self) -> Self:
        return self.filter(expires_at__lte=timezone.now())


IdempotencyManager = TenantManager.from_queryset(IdempotencyQuerySet)


class IdempotencyRecord(TenantModel):
    """What was answered to one key, committed in one transaction with what the call did.

    A call that still runs has no row: it holds the key's advisory lock, which a crash lets go.
    """

    api_key = TenantForeignKey("tenants.ApiKey", on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=300)
    request_sha256 = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.TextField()
    expires_at = models.DateTimeField()

    objects: ClassVar = IdempotencyManager()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "api_key", "key"], name="idempotency_once")
        ]
        indexes = [models.Index(fields=["tenant", "expires_at"], name="idempotency_expiry")]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @classmethod
    def keep(cls, **fields: Any) -> "IdempotencyRecord":
        """Keep an answer for a day, and forget those whose day is over."""
        cls.objects.expired().delete()
        return cls.objects.create(expires_at=timezone.now() + LIFETIME, **fields)


def forget_expired(before: datetime) -> int:
    """Delete answers of the workspace in scope whose time was over before this one."""
    return int(IdempotencyRecord.objects.filter(expires_at__lte=before).delete()[0])


def lock(tenant_id: UUID, api_key_id: UUID, key: str) -> bool:
    """Take the key until the transaction ends; False while another call holds it."""
    name = f"idempotency:{tenant_id}:{api_key_id}:{key}".encode()
    number = int.from_bytes(hashlib.sha256(name).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])
