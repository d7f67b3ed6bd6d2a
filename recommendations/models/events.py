"""What people did, partitioned by time, and what was counted of it."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from recommendations.models.catalogue import Item, Person
from tenants.models_base import TenantForeignKey, TenantManager, TenantModel, TenantQuerySet


class InteractionQuerySet(TenantQuerySet["Interaction"]):
    """Events of the workspace in scope."""

    def telling(self) -> Self:
        """Those that say something about taste: not what was merely shown or turned down."""
        return self.exclude(type__in=Interaction.SILENT)

    def in_time(self) -> Self:
        return self.order_by("occurred_at", "pk")


InteractionManager = TenantManager.from_queryset(InteractionQuerySet)


class Interaction(TenantModel):
    """One event. The same person, item, type and moment is the same event, however often sent."""

    class Type(models.TextChoices):
        IMPRESSION = "impression", _("Impression")
        VIEW = "view", _("View")
        CLICK = "click", _("Click")
        LIKE = "like", _("Like")
        COMMENT = "comment", _("Comment")
        SHARE = "share", _("Share")
        CART = "cart", _("Added to cart")
        PURCHASE = "purchase", _("Purchase")
        RATING = "rating", _("Rating")
        BOOKMARK = "bookmark", _("Bookmark")
        DISMISS = "dismiss", _("Turned down")

    SILENT: ClassVar = (Type.IMPRESSION, Type.DISMISS)

    person = TenantForeignKey(Person, on_delete=models.CASCADE, related_name="interactions")
    item = TenantForeignKey(Item, on_delete=models.CASCADE, related_name="interactions")
    # One of Type, or a word of the customer's own.
    type = models.CharField(max_length=30)
    occurred_at = models.DateTimeField()
    value = models.FloatField(null=True)
    seconds = models.FloatField(null=True)
    session = models.CharField(max_length=128, blank=True)
    recomm_id = models.UUIDField(null=True)
    event_id = models.CharField(max_length=64, blank=True)

    objects: ClassVar = InteractionManager()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "person", "item", "type", "occurred_at"], name="interaction_once"
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "person", "occurred_at"], name="interaction_of_person"),
            models.Index(fields=["tenant", "-occurred_at"], name="interaction_newest"),
            models.Index(
                fields=["tenant", "recomm_id"],
                condition=Q(recomm_id__isnull=False),
                name="interaction_of_answer",
            ),
            models.Index(
                fields=["tenant", "session", "-occurred_at"],
                condition=~Q(session=""),
                name="interaction_of_session",
            ),
            models.Index(
                fields=["tenant", "event_id"], condition=~Q(event_id=""), name="interaction_by_id"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.occurred_at:%Y-%m-%d %H:%M}"


class ItemCounts(TenantModel):
    """How often an item was shown and chosen, and its popularity in forward-decayed weights."""

    item = TenantForeignKey(Item, on_delete=models.CASCADE, related_name="counts")
    number = models.PositiveIntegerField()
    impressions = models.BigIntegerField(default=0)
    clicks = models.BigIntegerField(default=0)
    events = models.BigIntegerField(default=0)
    # Sums of weight * growth(time): they decay by themselves (see ranking.sources.popularity).
    popular = models.FloatField(default=0)
    trending = models.FloatField(default=0)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "item"], name="counts_once"),
            models.UniqueConstraint(fields=["tenant", "number"], name="counts_number"),
        ]
        indexes = [models.Index(fields=["tenant", "updated_at"], name="counts_changes")]

    def __str__(self) -> str:
        return f"{self.number}: {self.events}"


class Transition(TenantModel):
    """How often people went from one item on to another, by item numbers, decayed by distance."""

    source = models.PositiveIntegerField()
    target = models.PositiveIntegerField()
    count = models.FloatField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "source", "target"], name="transition_once")
        ]
        indexes = [models.Index(fields=["tenant", "target"], name="transition_target")]

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}: {self.count:.3g}"
