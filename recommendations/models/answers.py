"""What was answered: the log that clicks refer to, and from which the next page is taken."""

from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from recommendations.models.catalogue import MAX_KEY, Person
from recommendations.models.scenarios import Scenario
from tenants.models_base import TenantForeignKey, TenantManager, TenantModel, TenantQuerySet


class RecommendationQuerySet(TenantQuerySet["Recommendation"]):
    """Answers of the workspace in scope."""

    def shown_to(self, person: Person, last: int) -> Self:
        return self.filter(person=person).newest()[:last]


RecommendationManager = TenantManager.from_queryset(RecommendationQuerySet)


class Recommendation(TenantModel):
    """One answer. Its id is the `recomm_id` that events name."""

    person = TenantForeignKey(
        Person, null=True, blank=True, on_delete=models.CASCADE, related_name="recommendations"
    )
    scenario = TenantForeignKey(
        Scenario, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    session = models.CharField(max_length=128, blank=True)
    arm = models.CharField(_("variant of an experiment"), max_length=40, blank=True)
    # The question, as it is asked again for the next page.
    question = models.JSONField(default=dict)
    # Item numbers, their scores and, for each, the source that mattered most; in order.
    items = ArrayField(models.PositiveIntegerField(), default=list)
    scores = ArrayField(models.FloatField(), default=list)
    sources = ArrayField(models.CharField(max_length=30), default=list)
    # For each item, what the sources said of it: [{"text": 0.71, "popular": 0.4}, ...]. What was
    # clicked later teaches the ranker which of them to believe.
    features = models.JSONField(default=list)
    # Where one of several variants was asked for: of what, and for which audience.
    variant_of = models.CharField(max_length=MAX_KEY, blank=True)
    audience = models.CharField(max_length=MAX_KEY, blank=True)
    page_of = TenantForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="pages"
    )
    model_number = models.PositiveIntegerField(default=0)

    objects: ClassVar = RecommendationManager()

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["tenant", "person", "-created_at"], name="answers_of_person"),
            models.Index(fields=["tenant", "-created_at"], name="answers_newest"),
            models.Index(
                fields=["tenant", "variant_of", "audience"],
                condition=~Q(variant_of=""),
                name="answers_of_variants",
            ),
        ]

    def __str__(self) -> str:
        return f"{len(self.items)} items"
