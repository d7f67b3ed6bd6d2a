"""Endpoint: a model server of the workspace's own, and the key to it."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from saas import keyring
from tenants.models_base import TenantManager, TenantModel, TenantQuerySet


class EndpointQuerySet(TenantQuerySet["Endpoint"]):
    """The model server of the workspace in scope."""

    def enabled(self) -> "EndpointQuerySet":
        return self.filter(enabled=True)

    def writer(self) -> str:
        """Who leads the server that is in use through a piece of copy."""
        return self.enabled().values_list("writer", flat=True).first() or Endpoint.Writer.DIRECT

    def payload_ref(self) -> dict[str, str]:
        """What a job's payload says that this server is to do; empty where there is none in use.

        Such a job costs no credits, and never falls back to the platform's own model.
        """
        found = self.enabled().values_list("pk", flat=True).first()
        return {"endpoint": str(found)} if found else {}


EndpointManager = TenantManager.from_queryset(EndpointQuerySet)


class Endpoint(TenantModel):
    """A model server that speaks OpenAI's protocol. Its key is stored encrypted alone."""

    class Dialect(models.TextChoices):
        OPENAI = "openai", _("Any server that speaks OpenAI's protocol")
        VLLM = "vllm", _("vLLM")

    class Writer(models.TextChoices):
        DIRECT = "direct", _("Gets the whole brief and writes the whole text")
        GUIDED = "guided", _("Is guided line by line, with templates beside it (for small models)")

    WORKS = "ok"

    base_url = models.CharField(_("address"), max_length=500)
    model = models.CharField(_("model"), max_length=200)
    dialect = models.CharField(
        _("kind of server"), max_length=8, choices=Dialect, default=Dialect.OPENAI
    )
    writer = models.CharField(
        _("how it writes"), max_length=10, choices=Writer, default=Writer.DIRECT
    )
    sealed_key = models.TextField(blank=True, editable=False)
    key_tail = models.CharField(max_length=4, blank=True, editable=False)
    enabled = models.BooleanField(_("in use"), default=True)
    checked_at = models.DateTimeField(null=True, editable=False)
    check_result = models.CharField(max_length=40, blank=True, editable=False)

    objects: ClassVar = EndpointManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("model server")
        verbose_name_plural = _("model servers")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_endpoint")]

    def __str__(self) -> str:
        return self.base_url

    @property
    def key(self) -> str:
        """The key itself, for the server's eyes only; raises keyring.Unreadable."""
        return keyring.unseal(self.sealed_key, owner=self.workspace_id) if self.sealed_key else ""

    def keep_key(self, key: str) -> None:
        """Encrypt a key and remember its end, by which people know it again."""
        self.sealed_key = keyring.seal(key, owner=self.workspace_id) if key else ""
        self.key_tail = key[-4:] if len(key) >= 12 else ""

    @property
    def works(self) -> bool:
        return self.check_result == self.WORKS
