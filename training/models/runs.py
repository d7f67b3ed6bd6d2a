"""TrainingRun: one attempt to teach the workspace's model. TrainingEvent: what happened in it."""

from math import ceil
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenants.jobs.models import Job
from tenants.models import ApiKey
from tenants.models_base import TenantForeignKey, TenantManager, TenantModel, TenantQuerySet
from tenants.validators import name_check
from training.models.datasets import Dataset, DatasetVersion
from training.models.versions import ModelVersion


class TrainingRunQuerySet(TenantQuerySet["TrainingRun"]):
    """Training runs of the workspace in scope."""

    def active(self) -> Self:
        return self.filter(job__state__in=Job.ACTIVE)

    def fine_tuning_jobs(self) -> Self:
        """Those that OpenAI's clients have asked for."""
        return self.exclude(fine_tuning={})


TrainingRunManager = TenantManager.from_queryset(TrainingRunQuerySet)


class TrainingRun(TenantModel):
    """A recipe over a dataset. Its job says how it stands; its model is what came of it."""

    class Effort(models.TextChoices):
        QUICK = "quick", _("Quick")
        BALANCED = "balanced", _("Balanced")
        THOROUGH = "thorough", _("Thorough")

    name = models.CharField(_("name"), max_length=80, validators=[name_check])
    dataset = TenantForeignKey(Dataset, on_delete=models.PROTECT, related_name="runs")
    version = TenantForeignKey(
        DatasetVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="runs"
    )
    effort = models.CharField(_("effort"), max_length=10, choices=Effort, default=Effort.BALANCED)
    recipe = models.JSONField(default=dict)
    job = TenantForeignKey(
        Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="training_runs"
    )
    # [step, loss, learning rate] and [step, validation loss], as the pages plot them.
    losses = models.JSONField(default=list)
    validations = models.JSONField(default=list)
    # {"step": .., "name": .., "text": ..}: what the model wrote as it learnt.
    samples = models.JSONField(default=list)
    evaluation = models.JSONField(default=dict)
    estimated_seconds = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0)
    tokens = models.PositiveBigIntegerField(default=0)
    model = TenantForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs"
    )
    # The version that it goes on from; none is the bare base.
    start_from = TenantForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # Stopped on purpose, with its checkpoint kept to go on from.
    paused = models.BooleanField(default=False)
    # Of `seconds`, those that earlier jobs of the run were charged with.
    charged_seconds = models.PositiveIntegerField(default=0)
    # What OpenAI's clients have asked for, to show it again; empty for all other runs.
    fine_tuning = models.JSONField(default=dict)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    api_key = TenantForeignKey(ApiKey, null=True, on_delete=models.SET_NULL, related_name="+")

    objects: ClassVar = TrainingRunManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("training run")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "job"], condition=Q(job__isnull=False), name="one_run_per_job"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def active(self) -> bool:
        return self.job is not None and self.job.active

    @property
    def state(self) -> str:
        """The state of its job, or "paused" where it can go on."""
        if self.paused and not self.active:
            return "paused"
        return str(self.job.state) if self.job else "cancelled"

    @property
    def uncharged_seconds(self) -> int:
        """Each second begun is charged once, however many jobs the run has had."""
        return max(0, ceil(self.seconds) - self.charged_seconds)

    def tell(self, code: str, **data: Any) -> None:
        """Note what happens, for those who follow the run."""
        TrainingEvent.objects.create(run=self, code=code, data=data)

    def note(self, **values: Any) -> None:
        """Write what has happened since; the run's job holds the lease."""
        for name, value in values.items():
            setattr(self, name, value)
        self.save(update_fields=[*values, "updated_at"])


class TrainingEvent(TenantModel):
    """One thing that happened in a run; `training/words.py` says it in words."""

    run = TenantForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="events")
    code = models.CharField(max_length=30)
    data = models.JSONField(default=dict)

    class Meta(TenantModel.Meta):
        verbose_name = _("event")
        indexes = [models.Index(fields=["tenant", "run", "created_at"], name="run_events")]

    def __str__(self) -> str:
        return self.code
