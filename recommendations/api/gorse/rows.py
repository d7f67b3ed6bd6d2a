"""Gorse's users and items: read, made, changed and deleted by their ids."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from recommendations.api.gorse.base import (
    DEFAULT_COUNT,
    MOST_ROWS,
    GorseView,
    affected,
    checked_key,
    key_of,
    moment_of,
    record,
    records,
    text_of,
    whole,
    wrong,
)
from recommendations.api.serializers import MAX_TEXT, MOST_TAGS
from recommendations.models import Item, Person
from recommendations.services.catalogue import ItemData, items_write, persons_write
from recommendations.services.interactions import person_forget
from saas.errors import NotFound

MAX_TITLE, MAX_TAG, MAX_LABELS = 300, 60, 20_000
ZERO = datetime(1, 1, 1, tzinfo=UTC)


def item_values(row: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """What Gorse's fields come to in ours; what is left out or null is not in it."""
    found: dict[str, Any] = {}
    if row.get("IsHidden") is not None:
        found["hidden"] = _flag(row["IsHidden"])
    if row.get("Categories") is not None:
        found["tags"] = _categories(row["Categories"])
    if row.get("Comment") is not None:
        comment = text_of(row, "Comment", MAX_TEXT)
        long = len(comment) > MAX_TITLE
        found["title"], found["text"] = comment[:MAX_TITLE], comment if long else ""
    kept = dict(attributes)
    if row.get("Labels") is not None:
        kept["labels"] = labels_of(row)
    if row.get("Timestamp"):
        kept["timestamp"] = moment_of(row, "Timestamp", ZERO).isoformat()
    return {**found, "attributes": kept}


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise wrong("IsHidden", _("Give true or false."))
    return value


def _categories(value: Any) -> list[str]:
    fits = isinstance(value, list) and len(value) <= MOST_TAGS
    if not fits or not all(isinstance(each, str) and len(each) <= MAX_TAG for each in value):
        raise wrong("Categories", _("Give at most 50 texts of at most 60 characters."))
    return list(value)


def labels_of(row: Mapping[str, Any]) -> Any:
    if len(json.dumps(row.get("Labels"))) > MAX_LABELS:
        raise wrong("Labels", _("Give a text of at most %d characters.") % MAX_LABELS)
    return row.get("Labels")


def item_shown(item: Item) -> dict[str, Any]:
    moment = item.attributes.get("timestamp") or item.created_at.isoformat()
    return {
        "ItemId": item.key,
        "IsHidden": item.hidden,
        "Categories": item.tags,
        "Timestamp": moment,
        "Labels": item.attributes.get("labels"),
        "Comment": item.text or item.title,
    }


OWN_ATTRIBUTES = ("labels", "timestamp")
EMPTY: dict[str, Any] = {"IsHidden": False, "Categories": [], "Comment": ""}


def items_put(rows: list[Mapping[str, Any]]) -> int:
    """Make items or write over those that are there; what Gorse has no field for stays."""
    by_key = {key_of(row, "ItemId"): EMPTY | _given(row) for row in rows}
    known = Item.objects.keyed(by_key)
    items = []
    for key, row in by_key.items():
        attributes = dict(known[key].attributes) if key in known else {}
        kept = {name: value for name, value in attributes.items() if name not in OWN_ATTRIBUTES}
        items.append(ItemData(key, item_values(row, kept)))
    items_write(items=items)
    return len(rows)


def _given(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def item_by(key: str) -> Item:
    found: Item | None = Item.objects.filter(key=key).first()
    if found is None:
        raise NotFound(_("There is no such item."))
    return found


def person_by(key: str) -> Person:
    found: Person | None = Person.objects.select_related("merged_into").filter(key=key).first()
    if found is None:
        raise NotFound(_("There is no such user."))
    return found.merged_into or found


def page_by_key(rows: QuerySet[Any], request: Request) -> tuple[list[Any], str]:
    """The rows behind the cursor, and the cursor of the next page; empty at the end."""
    count = whole(request, "n", DEFAULT_COUNT, MOST_ROWS)
    cursor = request.query_params.get("cursor", "")
    found = list(rows.filter(key__gt=cursor).order_by("key")[: count + 1])
    page = found[:count]
    return page, page[-1].key if page and len(found) > count else ""


class ItemsView(GorseView):
    """All items, and many at once."""

    def get(self, request: Request) -> Response:
        words = request.query_params.get("q", "")
        rows, cursor = page_by_key(Item.objects.search(words[:200]), request)
        return Response({"Cursor": cursor, "Items": [item_shown(item) for item in rows]})

    def post(self, request: Request) -> Response:
        return Response(affected(items_put(records(request.data))))


class NewItemView(GorseView):
    """One more item."""

    def post(self, request: Request) -> Response:
        return Response(affected(items_put([record(request.data)])))


class ItemView(GorseView):
    """An item."""

    def get(self, request: Request, item: str) -> Response:
        return Response(item_shown(item_by(item)))

    def patch(self, request: Request, item: str) -> Response:
        known = item_by(item)
        values = item_values(record(request.data), known.attributes)
        items_write(items=[ItemData(known.key, values)])
        return Response(affected(1))

    def delete(self, request: Request, item: str) -> Response:
        found = Item.objects.filter(key=item).first()
        if found is not None:
            found.delete()
        return Response(affected(int(found is not None)))


class CategoryView(GorseView):
    """Whether an item is in a category."""

    def put(self, request: Request, item: str, category: str) -> Response:
        found = item_by(item)
        tags = _categories([*dict.fromkeys([*found.tags, category])])
        items_write(items=[ItemData(item, {"tags": tags})])
        return Response(affected(1))

    def delete(self, request: Request, item: str, category: str) -> Response:
        found = item_by(item)
        tags = [tag for tag in found.tags if tag != category]
        items_write(items=[ItemData(item, {"tags": tags})])
        return Response(affected(1))


def person_values(row: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    kept = dict(attributes)
    if row.get("Labels") is not None:
        kept["labels"] = labels_of(row)
    if row.get("Comment") is not None:
        kept["comment"] = text_of(row, "Comment", MAX_TEXT)
    return {"attributes": kept}


def person_shown(person: Person) -> dict[str, Any]:
    return {
        "UserId": person.key,
        "Labels": person.attributes.get("labels"),
        "Comment": person.attributes.get("comment", ""),
    }


def persons_put(rows: list[Mapping[str, Any]]) -> int:
    persons = {key_of(row, "UserId"): person_values(row, {}) for row in rows}
    persons_write(persons=persons)
    return len(rows)


class UsersView(GorseView):
    """All users, and many at once."""

    def get(self, request: Request) -> Response:
        rows, cursor = page_by_key(Person.objects.present(), request)
        return Response({"Cursor": cursor, "Users": [person_shown(person) for person in rows]})

    def post(self, request: Request) -> Response:
        return Response(affected(persons_put(records(request.data))))


class NewUserView(GorseView):
    """One more user."""

    def post(self, request: Request) -> Response:
        return Response(affected(persons_put([record(request.data)])))


class UserView(GorseView):
    """A user."""

    def get(self, request: Request, user: str) -> Response:
        return Response(person_shown(person_by(user)))

    def patch(self, request: Request, user: str) -> Response:
        known = person_by(user)
        persons_write(persons={known.key: person_values(record(request.data), known.attributes)})
        return Response(affected(1))

    def delete(self, request: Request, user: str) -> Response:
        found = Person.objects.filter(key=checked_key(user, "UserId")).first()
        if found is not None:
            person_forget(person=found)
        return Response(affected(int(found is not None)))
