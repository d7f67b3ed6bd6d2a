"""RankingModel: what was fitted on a workspace's behaviour, and which one serves."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenants.models_base import TenantManager, TenantModel, TenantQuerySet


class RankingModelQuerySet(TenantQuerySet["RankingModel"]):
    """Ranking models of the workspace in scope."""

    def champion(self) -> "RankingModel | None":
        return self.filter(state=RankingModel.State.CHAMPION).first()

    def newest_first(self) -> Self:
        return self.order_by("-number")


RankingModelManager = TenantManager.from_queryset(RankingModelQuerySet)


class RankingModel(TenantModel):
    """Blend weights, neighbours, text vectors and a sequence model, fitted together.

    Its files never change; `sha256` is of their manifest. It serves once it has won on the
    newest days against the one before it.
    """

    class State(models.TextChoices):
        CHAMPION = "champion", _("Serving")
        LOST = "lost", _("Not better")
        RETIRED = "retired", _("Replaced")

    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State)
    sha256 = models.CharField(max_length=64)
    items = models.PositiveIntegerField()
    events = models.PositiveBigIntegerField()
    # Offline numbers on the newest days: {"blend": {"hit_rate": ...}, "popular": {...}, ...}
    metrics = models.JSONField(default=dict)
    weights = models.JSONField(default=dict)
    # What clicks taught beyond the weights, as `LinearRanker.to_json` has it; null until it does.
    ranker = models.JSONField(null=True)
    seconds = models.FloatField(default=0)

    objects: ClassVar = RankingModelManager()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="ranking_model_number"),
            models.UniqueConstraint(
                fields=["tenant"], condition=Q(state="champion"), name="one_champion"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} ({self.state})"
