"""Items that can be shown, the people they are shown to, and the catalogue's own counters."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from tenants.models_base import TenantForeignKey, TenantManager, TenantModel, TenantQuerySet

# What Recombee takes as an id, too.
KEY_PATTERN = r"^[a-zA-Z0-9_\-:@\.]+\Z"
MAX_KEY = 128
# So much of a person's past is kept beside them, for answers that read one row.
RECENT = 50

key_check = RegexValidator(
    KEY_PATTERN, _("Use letters, digits and _ - : @ . only."), code="key_invalid"
)


class Catalogue(TenantModel):
    """One row a workspace: where numbering stands, and how often anything has changed.

    Whoever writes items holds this row until the commit, so `version` is in the order of commits:
    a reader that knows version n asks for items above n and misses none.
    """

    next_number = models.PositiveIntegerField(default=0)
    version = models.PositiveBigIntegerField(default=0)
    # What attributes were declared with, by name: Recombee's clients declare them first.
    item_properties = models.JSONField(default=dict)
    person_properties = models.JSONField(default=dict)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_catalogue")]

    def __str__(self) -> str:
        return f"version {self.version}"


class ItemQuerySet(TenantQuerySet["Item"]):
    """Items of the workspace in scope."""

    def keyed(self, keys: Iterable[str]) -> "dict[str, Item]":
        return {item.key: item for item in self.filter(key__in=set(keys))}

    def numbered(self, numbers: Iterable[int]) -> "dict[int, Item]":
        return {item.number: item for item in self.filter(number__in=list(numbers))}

    def search(self, text: str) -> Self:
        words = text.split()[:8]
        for word in words:
            self = self.filter(  # noqa: PLW0642
                Q(key__icontains=word) | Q(title__icontains=word) | Q(tags__contains=[word.lower()])
            )
        return self


ItemManager = TenantManager.from_queryset(ItemQuerySet)


class Item(TenantModel):
    """Something that a site can show. `number` is its place in the arrays of the models."""

    key = models.CharField(_("ID"), max_length=MAX_KEY, validators=[key_check])
    number = models.PositiveIntegerField(editable=False)
    version = models.PositiveBigIntegerField(editable=False)
    type = models.CharField(_("type"), max_length=40, blank=True)
    title = models.CharField(_("title"), max_length=300, blank=True)
    text = models.TextField(_("text"), blank=True)
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    price = models.DecimalField(
        _("price"),
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0))],
    )
    url = models.URLField(_("address"), max_length=500, blank=True)
    image_url = models.URLField(_("image"), max_length=500, blank=True)
    available_from = models.DateTimeField(_("available from"), null=True, blank=True)
    available_until = models.DateTimeField(_("available until"), null=True, blank=True)
    in_stock = models.BooleanField(_("in stock"), default=True)
    hidden = models.BooleanField(_("hidden"), default=False)
    # Items with the same word here are variants of one thing: an answer holds one of them.
    variant_of = models.CharField(_("variant of"), max_length=MAX_KEY, blank=True)
    # The registered source that keeps this item up to date; empty where the customer does.
    source = models.CharField(max_length=40, blank=True, editable=False)

    objects: ClassVar = ItemManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("item")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "key"], name="item_key"),
            models.UniqueConstraint(fields=["tenant", "number"], name="item_number"),
            models.CheckConstraint(
                condition=Q(price=None) | Q(price__gte=0), name="item_price_not_negative"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "version"], name="item_changes"),
            models.Index(
                fields=["tenant", "variant_of"], condition=~Q(variant_of=""), name="item_variants"
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.key

    def available(self, now: datetime) -> bool:
        """Whether it may be shown at this moment."""
        begun = self.available_from is None or self.available_from <= now
        over = self.available_until is not None and self.available_until <= now
        return begun and not over and self.in_stock and not self.hidden

    def properties(self) -> dict[str, Any]:
        """What an answer tells about the item."""
        return {
            "type": self.type,
            "title": self.title,
            "tags": self.tags,
            "price": None if self.price is None else str(self.price),
            "url": self.url,
            "image_url": self.image_url,
            **self.attributes,
        }

    def readable_text(self) -> str:
        """What an encoder reads of it."""
        return ". ".join(filter(None, (self.title, self.text, ", ".join(self.tags))))


class PersonQuerySet(TenantQuerySet["Person"]):
    """People of the workspace in scope."""

    def keyed(self, keys: Iterable[str]) -> "dict[str, Person]":
        return {person.key: person for person in self.filter(key__in=set(keys))}

    def locked(self) -> Self:
        """Lock the rows in one order, so that two callers cannot wait for each other."""
        return self.select_for_update(of=("self",)).order_by("pk")

    def present(self) -> Self:
        """Without those who turned out to be somebody else."""
        return self.filter(merged_into=None)


PersonManager = TenantManager.from_queryset(PersonQuerySet)


class Person(TenantModel):
    """A visitor of the workspace's site: known, or so far only a cookie."""

    key = models.CharField(_("ID"), max_length=MAX_KEY, validators=[key_check])
    anonymous = models.BooleanField(default=False)
    attributes = models.JSONField(default=dict, blank=True)
    merged_into = TenantForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="merged"
    )
    # The newest events that say something about taste, oldest first: item numbers, unix times,
    # and how much each says.
    recent_items = ArrayField(models.PositiveIntegerField(), default=list, blank=True)
    recent_times = ArrayField(models.FloatField(), default=list, blank=True)
    recent_weights = ArrayField(models.FloatField(), default=list, blank=True)
    # Numbers of items that they turned down.
    dismissed = ArrayField(models.PositiveIntegerField(), default=list, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = PersonManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("person")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "key"], name="person_key"),
            models.CheckConstraint(condition=~Q(merged_into=F("id")), name="person_not_own_merge"),
        ]
        indexes = [models.Index(fields=["tenant", "-last_seen_at"], name="person_last_seen")]

    def __str__(self) -> str:
        return self.key

    def recent(self) -> list[tuple[float, int, float]]:
        """(unix time, item number, weight) of the newest events, oldest first."""
        columns = (self.recent_times, self.recent_items, self.recent_weights)
        return list(zip(*columns, strict=True))

    def remember(self, events: Iterable[tuple[float, int, float]]) -> None:
        """Keep (unix time, item number, weight) events among the recent ones."""
        kept = sorted([*self.recent(), *events], key=lambda event: event[0])[-RECENT:]
        self.recent_times = [time for time, _, _ in kept]
        self.recent_items = [number for _, number, _ in kept]
        self.recent_weights = [weight for _, _, weight in kept]
