"""TrainingFile: a file that a program has uploaded to teach with, or that a run has left."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import ApiKey
from tenants.models_base import TenantForeignKey, TenantModel


class TrainingFile(TenantModel):
    """Its bytes lie where files of rows lie, under its id; they never change."""

    class Purpose(models.TextChoices):
        FINE_TUNE = "fine-tune", _("Rows to learn from")
        RESULTS = "fine-tune-results", _("What a run has measured")

    name = models.CharField(_("name"), max_length=200)
    purpose = models.CharField(max_length=20, choices=Purpose)
    size = models.PositiveBigIntegerField()
    # Lines that are not empty.
    lines = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    api_key = TenantForeignKey(ApiKey, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta(TenantModel.Meta):
        verbose_name = _("file")

    def __str__(self) -> str:
        return self.name
