"""Brief: an order for copy. Variant: one answer to it, with the job that writes it."""

from typing import Any, ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from generation import kinds
from generation.kinds.kind import BriefData, Kind
from generation.models.brands import Audience, Brand
from tenants.jobs.models import Job
from tenants.models import ApiKey
from tenants.models_base import TenantForeignKey, TenantManager, TenantModel, TenantQuerySet

MAX_VARIANTS = 8
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]


class Batch(TenantModel):
    """Many briefs from one CSV file."""

    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=40)
    rows = models.PositiveIntegerField(default=0)
    errors = models.JSONField(default=list)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("batch")

    def __str__(self) -> str:
        return self.name

    def progress(self) -> dict[str, int]:
        """How many of the batch's texts are written, went wrong, or wait."""
        counted = Variant.objects.filter(brief__batch=self).aggregate(
            total=Count("pk"),
            ready=Count("pk", filter=Q(state=Variant.State.READY)),
            failed=Count("pk", filter=Q(state__in=[Variant.State.FAILED, Variant.State.STOPPED])),
        )
        done = counted["ready"] + counted["failed"]
        percent = round(100 * done / counted["total"]) if counted["total"] else 100
        return {**counted, "percent": percent, "waiting": counted["total"] - done}


class Brief(TenantModel):
    """What is to be written: a kind of copy, its fields, the brand and the audience."""

    kind = models.CharField(_("kind"), max_length=40)
    title = models.CharField(max_length=200)
    fields = models.JSONField(default=dict)
    brand = TenantForeignKey(Brand, on_delete=models.PROTECT, related_name="briefs")
    audience = TenantForeignKey(
        Audience, null=True, blank=True, on_delete=models.SET_NULL, related_name="briefs"
    )
    language = models.CharField(_("language"), max_length=10, choices=LANGUAGES, default="en")
    length = models.PositiveIntegerField(_("length in words"), default=0)
    campaign = models.CharField(_("campaign"), max_length=80, blank=True)
    seed = models.PositiveIntegerField(default=0)
    batch = TenantForeignKey(
        Batch, null=True, blank=True, on_delete=models.CASCADE, related_name="briefs"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    api_key = TenantForeignKey(ApiKey, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta(TenantModel.Meta):
        verbose_name = _("brief")
        indexes = [models.Index(fields=["tenant", "-created_at"], name="brief_newest")]

    def __str__(self) -> str:
        return self.title

    @property
    def kind_spec(self) -> Kind:
        """The kind of copy that this brief orders."""
        return kinds.load(self.kind)

    @property
    def stream(self) -> str:
        """The topic on which all of the brief's variants stream."""
        return f"brief:{self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("brief", args=[self.tenant.slug, self.pk])

    def data(self, *, seed: int = 0, variant: int = 0) -> BriefData:
        """The brief as its kind of copy reads it, for the variant of this number."""
        return BriefData(
            kind=self.kind,
            brand=self.brand.data(),
            fields=self.fields,
            audience=self.audience.data() if self.audience else None,
            language=self.language,
            seed=seed or self.seed,
            length=self.length,
            variant=variant,
        )


class VariantQuerySet(TenantQuerySet["Variant"]):
    """Variants of the workspace in scope."""

    def unfinished(self) -> Self:
        return self.filter(state__in=[Variant.State.QUEUED, Variant.State.WRITING])

    def ready(self) -> Self:
        return self.filter(state=Variant.State.READY)


VariantManager = TenantManager.from_queryset(VariantQuerySet)


class Variant(TenantModel):
    """One text for a brief: as the model wrote it, and as people have edited it since."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        WRITING = "writing", _("Writing")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")
        STOPPED = "stopped", _("Stopped")

    class Writer(models.TextChoices):
        DIRECT = "direct", _("Written as a whole, then checked")
        GUIDED = "guided", _("Guided line by line")

    brief = TenantForeignKey(Brief, on_delete=models.CASCADE, related_name="variants")
    number = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(MAX_VARIANTS)]
    )
    job = TenantForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    error = models.CharField(max_length=300, blank=True)
    model_text = models.TextField(blank=True)
    text = models.TextField(blank=True)
    data = models.JSONField(default=dict)
    issues = models.JSONField(default=list)
    rating = models.SmallIntegerField(default=0)
    picked_at = models.DateTimeField(null=True, blank=True)
    seed = models.PositiveIntegerField(default=0)
    writer = models.CharField(max_length=10, choices=Writer, blank=True)
    # Of a guided text: how many of its lines are the model's own, and how many there are.
    own_lines = models.PositiveSmallIntegerField(null=True, blank=True)
    lines = models.PositiveSmallIntegerField(null=True, blank=True)
    base_sha256 = models.CharField(max_length=64, blank=True)
    adapter_sha256 = models.CharField(max_length=64, blank=True)

    objects: ClassVar = VariantManager()

    class Meta(TenantModel.Meta):
        ordering = ("number",)
        verbose_name = _("variant")
        indexes = [
            models.Index(
                fields=["tenant", "brief"],
                condition=Q(state__in=["queued", "writing"]),
                name="variant_unfinished",
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "brief", "number"], name="variant_number"),
            models.CheckConstraint(
                condition=Q(rating__in=[-1, 0, 1]), name="variant_rating_is_a_thumb"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.brief} · {self.number}"

    @property
    def edited(self) -> bool:
        return self.text != self.model_text

    @property
    def finished(self) -> bool:
        return self.state not in {self.State.QUEUED, self.State.WRITING}

    def update_fields(self, fields: dict[str, Any]) -> None:
        """Store these fields and nothing else."""
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=[*fields, "updated_at"])

    @classmethod
    def of_job(cls, job_id: UUID) -> "Variant":
        return cls.objects.select_related("brief__brand", "brief__audience").get(job_id=job_id)
