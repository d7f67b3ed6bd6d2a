"""ModelVersion: what a workspace's model learnt. ModelSwitch: which version does the work."""

from collections.abc import Iterable
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenants.models import ApiKey
from tenants.models_base import TenantForeignKey, TenantManager, TenantModel, TenantQuerySet
from tenants.validators import name_check
from training.models.datasets import Dataset, DatasetVersion


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
    """A LoRA adapter that writes, or a head that sorts texts or finds things in them.

    Its weights never change. `sha256` is of an adapter's weights, or of a head's manifest, which
    has the hashes of its files. `base_sha256` is of what it stands on: base model or encoder.
    """

    class Task(models.TextChoices):
        WRITING = "writing", _("Writes")
        CLASSIFICATION = "classification", _("Sorts texts")
        EXTRACTION = "extraction", _("Finds things in texts")

    class State(models.TextChoices):
        ACTIVE = "active", _("Ready")
        QUARANTINED = "quarantined", _("On hold")
        ERASED = "erased", _("Deleted")

    number = models.PositiveIntegerField()
    task = models.CharField(max_length=20, choices=Task, default=Task.WRITING)
    # As the recipe names it: lora, linear, full.
    method = models.CharField(max_length=20, default="lora")
    name = models.CharField(_("name"), max_length=80, validators=[name_check])
    note = models.CharField(_("note"), max_length=500, blank=True)
    state = models.CharField(max_length=12, choices=State, default=State.ACTIVE)
    sha256 = models.CharField(max_length=64)
    base_sha256 = models.CharField(max_length=64)
    base_name = models.CharField(max_length=200, blank=True)
    rank = models.PositiveSmallIntegerField(default=0)
    size = models.PositiveBigIntegerField()
    # What it was taught with, where it was taught here: recipe, seed, dataset version, numbers.
    card = models.JSONField(default=dict, blank=True)
    dataset = TenantForeignKey(
        Dataset, null=True, blank=True, on_delete=models.SET_NULL, related_name="model_versions"
    )
    dataset_version = TenantForeignKey(
        DatasetVersion,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="model_versions",
    )
    # What did this work when this one was taught.
    parent = TenantForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children"
    )
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

    @property
    def writes(self) -> bool:
        return self.task == self.Task.WRITING

    @property
    def place(self) -> Dataset | None:
        """Where it can be live: among the models of its dataset, or in writing."""
        return None if self.writes else self.dataset

    @property
    def evaluation(self) -> dict[str, Any]:
        """How it did on the test rows; empty for one that was not taught here."""
        found: dict[str, Any] = self.card.get("evaluation", {})
        return found

    def move(self, state: State) -> None:
        self.state = state
        self.save(update_fields=["state", "updated_at"])


class ModelSwitchQuerySet(TenantQuerySet["ModelSwitch"]):
    """The switches of the workspace in scope."""

    def latest_first(self) -> Self:
        return self.select_related("version").order_by("-number")

    def of(self, place: Dataset | None) -> Self:
        """Of the models of a dataset, or of those that write."""
        return self.filter(dataset=place)

    def live(self) -> dict[Any, "ModelSwitch"]:
        """The newest of each place, by the dataset's id; None is writing."""
        newest = self.order_by("dataset_id", "-number").distinct("dataset_id")
        return {switch.dataset_id: switch for switch in newest.select_related("version")}


ModelSwitchManager = TenantManager.from_queryset(ModelSwitchQuerySet)


class ModelSwitch(TenantModel):
    """Somebody chose what to write with; the newest choice is live. No version is the bare base.

    With a dataset it is the choice among the heads that were taught with it, of which none or one
    is live. `number` counts all choices of the workspace.

    `back` is the choice that a step back from here returns to, so that several steps back walk
    down the history instead of going to and fro.
    """

    number = models.PositiveIntegerField()
    version = TenantForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="switches"
    )
    dataset = TenantForeignKey(
        Dataset, null=True, blank=True, on_delete=models.CASCADE, related_name="switches"
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
