"""The audit trail of a workspace: who did what, and when."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.event_types import label_of
from tenants.models_base import TenantForeignKey, TenantModel


class AuditEvent(TenantModel):
    """Who did what, and when. Rows are only ever added."""

    name = models.CharField(max_length=60)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.DO_NOTHING, related_name="+"
    )
    api_key = TenantForeignKey(
        "tenants.ApiKey", null=True, on_delete=models.DO_NOTHING, related_name="+"
    )
    # The row that it happened to, which may be gone, and what it was called then.
    subject_type = models.CharField(max_length=60, blank=True)
    subject_id = models.CharField(max_length=40, blank=True)
    subject_label = models.CharField(max_length=120, blank=True)
    data = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=40, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("audit event")
        verbose_name_plural = _("audit log")
        indexes = [
            models.Index(fields=["tenant", "-created_at"], name="audit_newest"),
            models.Index(fields=["tenant", "subject_id", "-created_at"], name="audit_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.subject_label}".strip()

    @property
    def label(self) -> str:
        """What happened, in words."""
        return label_of(self.name)

    @property
    def who(self) -> str:
        """The person or the service account that acted; empty where the system did."""
        return str(self.user or self.by_key)

    @property
    def actor_name(self) -> str:
        """What readers call the person, the service account or the system that acted."""
        return self.user.display_name if self.user else self.by_key or "Kindling"

    @property
    def by_key(self) -> str:
        """The name of the key by which it was done; empty where it was done by hand."""
        return self.api_key.name if self.api_key else ""
