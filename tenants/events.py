"""The one record of what happened: the audit log, histories and webhooks read it."""

from typing import Any

from django.db.models import Model

from tenants.actors import current_actor
from tenants.event_types import label_of, register, registered
from tenants.models import AuditEvent
from tenants.models_base import TenantQuerySet

__all__ = ["history", "label_of", "record", "register", "registered"]


def record(name: str, subject: Model | None = None, /, **data: Any) -> AuditEvent:
    """Note what happened to the subject, in the transaction that does it.

    Who did it is the current actor. Raises LookupError for a name that no app has registered.
    """
    if name not in registered():
        raise LookupError(f"No app registers the event {name}.")
    actor = current_actor()
    event: AuditEvent = AuditEvent.objects.create(
        name=name,
        subject_type=subject._meta.label_lower if subject else "",
        subject_id=str(subject.pk) if subject else "",
        subject_label=str(subject or "")[:120],
        data=data,
        user=actor.user,
        api_key=actor.api_key,
        address=actor.address or None,
        request_id=actor.request_id,
    )
    return event


def history(subject: Model) -> TenantQuerySet[AuditEvent]:
    """All that happened to it, newest first."""
    rows: TenantQuerySet[AuditEvent] = AuditEvent.objects.filter(
        subject_type=subject._meta.label_lower, subject_id=str(subject.pk)
    )
    return rows.select_related("user", "api_key").newest()
