"""ModelVersion: an adapter that a workspace may write with. ModelSwitch: which one it does."""

from collections.abc import Iterable
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenants.models import ApiKey
from tenants.models_base import TenantForeignKey, TenantManager, TenantModel, TenantQuerySet
from tenants.validators import name_check


class ModelVersionQuerySet(TenantQuerySet["ModelVersion"]):
    """Model versions of the workspace in scope."""

    def active(self) -> Self:
        return self.filter(state=ModelVersion.State.ACTIVE)

    def that_wrote(self, sha256s: Iterable[str]) -> dict[str, "ModelVersion"]:
        """The versions by the hashes that texts were stored with; the newest of equal ones."""
        return {version.sha256: version for version in self.filter(sha256__in=sha256s).reverse()}

    def kept(self) -> Self:
        """Those whose files are there."""
        return self.exclude(state=ModelVersion.State.ERASED)

    def bytes(self) -> int:
        """What their weights take up on disk."""
        return int(self.aggregate(total=models.Sum("size", default=0))["total"])

    def erased(self) -> Self:
        return self.filter(state=ModelVersion.State.ERASED)


ModelVersionManager = TenantManager.from_queryset(ModelVersionQuerySet)


class ModelVersion(TenantModel):
    """One LoRA adapter. Its weights never change; `sha256` is of their file."""

    class State(models.TextChoices):
        ACTIVE = "active", _("Ready")
        QUARANTINED = "quarantined", _("On hold")
        ERASED = "erased", _("Deleted")

    number = models.PositiveIntegerField()
    name = models.CharField(_("name"), max_length=80, validators=[name_check])
    note = models.CharField(_("note"), max_length=500, blank=True)
    state = models.CharField(max_length=12, choices=State, default=State.ACTIVE)
    sha256 = models.CharField(max_length=64)
    base_sha256 = models.CharField(max_length=64)
    base_name = models.CharField(max_length=200, blank=True)
    rank = models.PositiveSmallIntegerField()
    size = models.PositiveBigIntegerField()
    # What it was taught with, where it was taught here: recipe, seed, dataset version, numbers.
    card = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    api_key = TenantForeignKey(ApiKey, null=True, on_delete=models.SET_NULL, related_name="+")

    objects: ClassVar = ModelVersionManager()

    class Meta(TenantModel.Meta):
        ordering = ("-number",)
        verbose_name = _("model")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="model_number"),
            models.UniqueConstraint(
                fields=["tenant", "sha256"], condition=~Q(state="erased"), name="model_kept_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.number})"

    @property
    def active(self) -> bool:
        return self.state == self.State.ACTIVE

    def move(self, state: State) -> None:
        self.state = state
        self.save(update_fields=["state", "updated_at"])


class ModelSwitchQuerySet(TenantQuerySet["ModelSwitch"]):
    """The switches of the workspace in scope."""

    def latest_first(self) -> Self:
        return self.select_related("version").order_by("-number")


ModelSwitchManager = TenantManager.from_queryset(ModelSwitchQuerySet)


class ModelSwitch(TenantModel):
    """Somebody chose what to write with; the newest choice is live. No version is the bare base.

    `back` is the choice that a step back from here returns to, so that several steps back walk
    down the history instead of going to and fro.
    """

    number = models.PositiveIntegerField()
    version = TenantForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="switches"
    )
    back = TenantForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    stepped_back = models.BooleanField(default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    api_key = TenantForeignKey(ApiKey, null=True, on_delete=models.SET_NULL, related_name="+")

    objects: ClassVar = ModelSwitchManager()

    class Meta(TenantModel.Meta):
        ordering = ("-number",)
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="model_switch_number")
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.version or 'base'}"
