"""Recombee's interactions: views, purchases, ratings, carts, bookmarks and portions."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from recommendations.api.recombee.base import (
    MOST,
    RecombeeError,
    flag_of,
    key_of,
    moment_of,
    number_of,
    refuse,
    uuid_of,
)
from recommendations.api.recombee.entities import OK, item_by, person_by
from recommendations.models import Interaction, Item, Person
from recommendations.services.interactions import (
    EventData,
    interactions_delete,
    interactions_record,
)

Params = Mapping[str, Any]
PORTION = "view_portion"
TYPES = {
    "detailviews": "view",
    "purchases": "purchase",
    "ratings": "rating",
    "cartadditions": "cart",
    "bookmarks": "bookmark",
    "viewportions": PORTION,
}
# The number of each type, and what it may be.
VALUES = {
    "purchases": "price",
    "ratings": "rating",
    "cartadditions": "price",
    "viewportions": "portion",
}
BOUNDS = {"rating": (-1.0, 1.0), "portion": (0.0, 1.0)}


def event_of(kind: str, params: Params) -> EventData:
    name = VALUES.get(kind, "")
    value = number_of(params, name) if name else None
    if name in BOUNDS:
        low, high = BOUNDS[name]
        if value is None or not low <= value <= high:
            raise refuse(
                _("%(name)s: give a number from %(low)s to %(high)s.")
                % {"name": name, "low": low, "high": high}
            )
    return EventData(
        person=key_of(params.get("userId"), "userId"),
        item=key_of(params.get("itemId"), "itemId"),
        type=TYPES[kind],
        occurred_at=moment_of(params.get("timestamp")),
        value=value,
        seconds=number_of(params, "duration") or number_of(params, "timeSpent"),
        session=str(params.get("sessionId") or "")[:128],
        recomm_id=uuid_of(params.get("recommId")),
    )


def known_or_cascading(events: Sequence[tuple[EventData, bool]]) -> list[str]:
    """For each event what keeps it from being taken: a user or item that is not there."""
    persons = set(Person.objects.keyed(event.person for event, _ in events))
    items = set(Item.objects.keyed(event.item for event, _ in events))
    found = []
    for event, cascade in events:
        missing = "" if cascade or event.person in persons else event.person
        missing = missing or ("" if cascade or event.item in items else event.item)
        found.append(missing)
        if cascade:
            persons.add(event.person)
            items.add(event.item)
    return found


def interaction_add(params: Params, kind: str) -> str:
    """One interaction; 404 for what is not there, 409 where it is known already."""
    event = event_of(kind, params)
    (missing,) = known_or_cascading([(event, flag_of(params, "cascadeCreate"))])
    if missing:
        raise not_there(missing)
    if event.type == PORTION:
        replace_portion(event)
    if interactions_record(events=[event]).duplicates:
        raise refuse(_("This interaction is known already."), 409)
    return OK


def not_there(name: str) -> RecombeeError:
    return refuse(_("There is no “%s”. Add it, or ask with cascadeCreate.") % name, 404)


def replace_portion(event: EventData) -> None:
    """Of one session the largest portion holds; raises where a larger one is known."""
    chosen = Q(item__key=event.item, type=PORTION, session=event.session)
    person = Person.objects.filter(key=event.person).first()
    if person is None:
        return
    if person.interactions.filter(chosen, value__gt=event.value).exists():
        raise refuse(_("A larger portion is known already."), 409)
    interactions_delete(person=person, chosen=chosen)


def interaction_delete(params: Params, kind: str) -> str:
    """All interactions of this kind between a user and an item, or the one of a moment."""
    person = person_by(key_of(params.get("userId"), "userId"))
    chosen = Q(item__key=key_of(params.get("itemId"), "itemId"), type=TYPES[kind])
    if params.get("timestamp") is not None:
        chosen &= Q(occurred_at=moment_of(params["timestamp"]))
    if params.get("sessionId"):
        chosen &= Q(session=params["sessionId"])
    if not interactions_delete(person=person, chosen=chosen):
        raise refuse(_("There is no such interaction."), 404)
    return OK


def of_item(params: Params, item: str, kind: str) -> list[dict[str, Any]]:
    return listed(Q(item=item_by(item)), kind)


def of_user(params: Params, user: str, kind: str) -> list[dict[str, Any]]:
    return listed(Q(person=person_by(user)), kind)


def listed(chosen: Q, kind: str) -> list[dict[str, Any]]:
    """The newest interactions first."""
    rows = Interaction.objects.filter(chosen, type=TYPES[kind]).order_by("-occurred_at")
    return [shown(row, kind) for row in rows.select_related("person", "item")[:MOST]]


def shown(row: Interaction, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "userId": row.person.key,
        "itemId": row.item.key,
        "timestamp": row.occurred_at.timestamp(),
        "recommId": str(row.recomm_id) if row.recomm_id else None,
    }
    if name := VALUES.get(kind):
        found[name] = row.value
    if kind == "detailviews":
        found["duration"] = row.seconds
    if kind == "viewportions":
        found |= {"sessionId": row.session or None, "timeSpent": row.seconds}
    return found
