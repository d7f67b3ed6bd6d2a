"""Dataset: rows that a model can learn from. DatasetVersion: what they were at a moment."""

from collections.abc import Iterable
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from tenants.models_base import TenantForeignKey, TenantManager, TenantModel, TenantQuerySet
from tenants.validators import name_check
from training.datasets.splitting import TEST, TRAIN, VALIDATION
from training.datasets.tasks import TASKS, Task


class Dataset(TenantModel):
    """Rows of one task, and what holds for them: a licence, and what becomes of personal data."""

    class TaskName(models.TextChoices):
        COPY = "copy", _("Copy")
        CHAT = "chat", _("Conversations")
        PREFERENCE = "preference", _("Preferences")
        CLASSIFICATION = "classification", _("Texts with labels")
        EXTRACTION = "extraction", _("Texts with marked places")

    class Privacy(models.TextChoices):
        MASK = "mask", _("Mask it")
        REFUSE = "refuse", _("Refuse the row")
        KEEP = "keep", _("Keep it")

    name = models.CharField(_("name"), max_length=80, validators=[name_check])
    task = models.CharField(_("task"), max_length=20, choices=TaskName)
    note = models.CharField(_("note"), max_length=500, blank=True)
    privacy = models.CharField(
        _("personal data"), max_length=10, choices=Privacy, default=Privacy.MASK
    )
    licence = models.CharField(_("licence"), max_length=120, blank=True)
    consent = models.BooleanField(_("we may train with these texts"), default=False)

    # Sources of the product's own that it keeps up with, by their names.
    sources = ArrayField(models.CharField(max_length=40), default=list, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("dataset")
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="dataset_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def spec(self) -> Task:
        return TASKS[self.task]

    def latest_version(self) -> "DatasetVersion | None":
        found: DatasetVersion | None = self.versions.order_by("-number").first()
        return found


class DatasetRowQuerySet(TenantQuerySet["DatasetRow"]):
    """Rows of datasets of the workspace in scope."""

    def keyed(self, row_ids: Iterable[str]) -> "dict[str, DatasetRow]":
        return {row.row_id: row for row in self.filter(row_id__in=set(row_ids))}

    def in_order(self) -> Self:
        return self.order_by("created_at", "pk")

    def of_version(self, version: "DatasetVersion") -> Self:
        """Its rows: those that came later have no part in it."""
        return self.filter(since__range=(1, version.number)).order_by("row_id")

    def per_split(self) -> dict[str, int]:
        return dict(self.order_by().values_list("split").annotate(n=Count("pk")))


DatasetRowManager = TenantManager.from_queryset(DatasetRowQuerySet)


class DatasetRow(TenantModel):
    """One example. Its split is given once, with the first version that holds it."""

    class Split(models.TextChoices):
        TRAIN = TRAIN, _("Training")
        VALIDATION = VALIDATION, _("Validation")
        TEST = TEST, _("Test")

    dataset = TenantForeignKey(Dataset, on_delete=models.CASCADE, related_name="rows")
    row_id = models.CharField(max_length=120)
    group_id = models.CharField(max_length=120, blank=True)
    content = models.JSONField()
    sha256 = models.CharField(max_length=64)
    # Where it came from: "import", "api", or the registered source of rows.
    origin = models.CharField(max_length=40, default="import")
    split = models.CharField(max_length=10, choices=Split, blank=True)
    # The number of the first version that holds it; 0 before there is one.
    since = models.PositiveIntegerField(default=0)

    objects: ClassVar = DatasetRowManager()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "dataset", "row_id"], name="row_id_once"),
            models.UniqueConstraint(fields=["tenant", "dataset", "sha256"], name="row_once"),
        ]
        indexes = [
            models.Index(fields=["tenant", "dataset", "created_at"], name="rows_in_order"),
            models.Index(
                fields=["tenant", "dataset"], condition=Q(split=""), name="rows_without_split"
            ),
        ]

    def __str__(self) -> str:
        return self.row_id

    def text(self) -> str:
        return self.dataset.spec.text(self.content)


class DatasetVersion(TenantModel):
    """What a dataset was: immutable, hashed, and the same again from the same rows."""

    dataset = TenantForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    # Rows that were left out because others are nearly the same.
    near_duplicates = models.PositiveIntegerField(default=0)
    statistics = models.JSONField(default=dict)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "dataset", "number"], name="dataset_version_number"
            )
        ]

    def __str__(self) -> str:
        return f"{self.dataset} {self.number}"

    @property
    def splits(self) -> dict[str, int]:
        found: dict[str, Any] = self.statistics.get("splits", {})
        return {name: int(found.get(name, 0)) for name in (TRAIN, VALIDATION, TEST)}
