"""Items and people: many at a time, numbered in the order of commits, forgotten for good."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from recommendations.models import Catalogue, Item, Person
from tenants.billing.limits import limit, require_room

BATCH = 1000
# What callers may set of an item.
FIELDS = (
    *("type", "title", "text", "tags", "attributes", "price", "url", "image_url"),
    *("available_from", "available_until", "in_stock", "hidden", "variant_of"),
)


@dataclass(frozen=True, slots=True)
class ItemData:
    """An item as a caller describes it: `values` holds what is set, by the field's name."""

    key: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows a write made and how many it changed."""

    created: int = 0
    updated: int = 0


def lock_catalogue() -> Catalogue:
    """The workspace's catalogue row, held until the commit."""
    Catalogue.objects.bulk_create([Catalogue()], ignore_conflicts=True)
    found: Catalogue = Catalogue.objects.select_for_update().get()
    return found


@transaction.atomic
def items_write(*, items: Sequence[ItemData], source: str = "") -> Written:
    """Make or change items by their keys; the last of equal keys holds, fields left out stay."""
    merged: dict[str, dict[str, Any]] = {}
    for item in items:
        merged.setdefault(item.key, {}).update(item.values)
    catalogue = lock_catalogue()
    catalogue.version += 1
    known = Item.objects.keyed(merged)
    fresh = [key for key in merged if key not in known]
    require_items(catalogue, len(fresh))
    made = [
        Item(
            key=key,
            number=catalogue.next_number + place,
            version=catalogue.version,
            source=source,
            **merged[key],
        )
        for place, key in enumerate(fresh)
    ]
    for row in known.values():
        row.version = catalogue.version
        for name, value in merged[row.key].items():
            setattr(row, name, value)
    Item.objects.bulk_create(made, batch_size=BATCH)
    Item.objects.bulk_update(known.values(), ["version", *FIELDS], batch_size=BATCH)
    catalogue.next_number += len(made)
    catalogue.save(update_fields=["next_number", "version", "updated_at"])
    return Written(created=len(made), updated=len(known))


def require_items(catalogue: Catalogue, more: int) -> None:
    """Raise LimitReached where so many more items do not fit.

    Numbers are never fewer than items: below the limit nobody has to count, or to wait.
    """
    if more and catalogue.next_number + more > limit("items"):
        require_room("items", Item.objects.count, more=more)


def items_named(keys: Iterable[str]) -> tuple[dict[str, Item], int]:
    """The items with these keys, and how many of them nobody has described yet.

    Those are made, without a text, so that what is told of them later finds their events.
    """
    wanted = set(keys)
    known = Item.objects.keyed(wanted)
    missing = sorted(wanted - known.keys())
    if missing:
        items_write(items=[ItemData(key, {}) for key in missing])
        known |= Item.objects.keyed(missing)
    return known, len(missing)


@transaction.atomic
def item_hide(*, item: Item) -> None:
    """Take an item out of all answers, and leave what people did with it as it is."""
    items_write(items=[ItemData(item.key, {"hidden": True})])


@transaction.atomic
def persons_write(*, persons: Mapping[str, Mapping[str, Any]]) -> Written:
    """Make or change people by their keys; attributes that are left out stay."""
    known = Person.objects.filter(key__in=persons).locked()
    changed = list(known)
    for person in changed:
        for name, value in persons[person.key].items():
            setattr(person, name, value)
    there = {person.key for person in changed}
    made = [Person(key=key, **values) for key, values in persons.items() if key not in there]
    Person.objects.bulk_create(made, ignore_conflicts=True, batch_size=BATCH)
    Person.objects.bulk_update(changed, ["attributes", "anonymous"], batch_size=BATCH)
    return Written(created=len(made), updated=len(changed))


def persons_locked(keys: Iterable[str]) -> dict[str, Person]:
    """The people with these keys, made where they are new, locked; a merged one as who it is."""
    wanted = set(keys)
    found = {person.key: person for person in Person.objects.filter(key__in=wanted).locked()}
    if missing := sorted(wanted - found.keys()):
        fresh = [Person(key=key) for key in missing]
        Person.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=BATCH)
        found |= {p.key: p for p in Person.objects.filter(key__in=missing).locked()}
    moved = {person.merged_into_id for person in found.values() if person.merged_into_id}
    others = {person.pk: person for person in Person.objects.filter(pk__in=moved).locked()}
    here = {person.pk: person for person in found.values()} | others
    return {key: here[person.merged_into_id or person.pk] for key, person in found.items()}
