"""Gorse's feedback: events, of which Gorse shows one for each type, user and item."""

import math
import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from recommendations.api.base import MOST_EVENTS
from recommendations.api.events import AHEAD, FIRST_YEAR, LARGEST
from recommendations.api.gorse.base import (
    DEFAULT_COUNT,
    MOST_ROWS,
    GorseView,
    affected,
    key_of,
    moment_of,
    records,
    whole,
    wrong,
)
from recommendations.models import Interaction, Person
from recommendations.services.interactions import (
    EventData,
    interactions_delete,
    interactions_record,
)
from saas.errors import BatchTooLarge, NotFound

TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_\-]{0,29}")
# What Gorse tells one feedback from another by, and lists them in the order of.
GROUP = ("person__key", "item__key", "type")
# What marks impressions that were written back: they do not come again.
WRITE_BACK = "gorse-write-back"


def event_of(row: Mapping[str, Any], now: datetime) -> EventData:
    """One feedback as an event; raises Invalid."""
    at = moment_of(row, "Timestamp", now)
    if at.year < FIRST_YEAR or at - now > AHEAD:
        raise wrong("Timestamp", _("Give a moment that is not in the future."))
    return EventData(
        person=key_of(row, "UserId"),
        item=key_of(row, "ItemId"),
        type=type_of(row.get("FeedbackType")),
        occurred_at=at,
        value=value_of(row.get("Value")),
    )


def type_of(value: Any) -> str:
    if not isinstance(value, str) or not TYPE.fullmatch(value):
        raise wrong("FeedbackType", _("Give a word of at most 30 letters, such as “star”."))
    return value


def value_of(value: Any) -> float | None:
    if value is None:
        return None
    sort = isinstance(value, int | float) and not isinstance(value, bool)
    if not sort or not math.isfinite(value) or abs(value) > LARGEST:
        raise wrong("Value", _("Give a number that is not out of all proportion."))
    return float(value)


def events_of(data: Any) -> list[EventData]:
    rows = records(data)
    if len(rows) > MOST_EVENTS:
        raise BatchTooLarge(limit=MOST_EVENTS)
    now = timezone.now()
    return [event_of(row, now) for row in rows]


def grouped(rows: QuerySet[Interaction]) -> QuerySet[Any, dict[str, Any]]:
    """One row for each user, item and type."""
    mine = rows.exclude(session=WRITE_BACK)
    found: QuerySet[Any, dict[str, Any]] = mine.values(*GROUP).annotate(
        total=Sum("value"), last=Max("occurred_at")
    )
    return found


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "FeedbackType": row["type"],
        "UserId": row["person__key"],
        "ItemId": row["item__key"],
        "Value": row["total"] or 0,
        "Timestamp": row["last"].isoformat(),
        "Comment": "",
    }


def page(rows: QuerySet[Interaction], request: Request) -> dict[str, Any]:
    """The feedback behind the cursor, which is the last one's user, item and type."""
    count = whole(request, "n", DEFAULT_COUNT, MOST_ROWS)
    cursor = request.query_params.get("cursor", "").split(" ")
    if cursor != [""]:
        if len(cursor) != len(GROUP):
            raise wrong("cursor", _("This cursor is not one of this list."))
        rows = rows.filter(behind(cursor))
    found = list(grouped(rows).order_by(*GROUP)[: count + 1])
    last = found[count - 1] if len(found) > count > 0 else None
    following = " ".join(last[name] for name in GROUP) if last else ""
    return {"Cursor": following, "Feedback": [shown(row) for row in found[:count]]}


def behind(cursor: list[str]) -> Q:
    """Rows whose user, item and type come after these."""
    found, same = Q(), Q()
    for name, value in zip(GROUP, cursor, strict=True):
        found |= same & Q(**{f"{name}__gt": value})
        same &= Q(**{name: value})
    return found


def of_both(user: str, item: str, kind: str = "") -> Q:
    found = Q(person__key=user, item__key=item)
    return found & Q(type=kind) if kind else found


def between(user: str, item: str, kind: str) -> list[dict[str, Any]]:
    return [shown(row) for row in grouped(Interaction.objects.filter(of_both(user, item, kind)))]


class FeedbackListView(GorseView):
    """All feedback; POST adds to it, PUT writes over what is there."""

    def get(self, request: Request, kind: str = "") -> Response:
        rows = Interaction.objects.all()
        return Response(page(rows.filter(type=kind) if kind else rows, request))

    def post(self, request: Request) -> Response:
        events = events_of(request.data)
        report = interactions_record(events=events) if events else None
        return Response(affected(report.accepted if report else 0))

    def put(self, request: Request) -> Response:
        events = events_of(request.data)
        with transaction.atomic():
            forget_earlier(events)
            if events:
                interactions_record(events=events)
        return Response(affected(len(events)))


def forget_earlier(events: list[EventData]) -> None:
    """Delete what there is of the same user, item and type as these."""
    chosen: dict[str, Q] = defaultdict(Q)
    for event in events:
        chosen[event.person] |= Q(item__key=event.item, type=event.type)
    for person in Person.objects.filter(key__in=chosen).order_by("pk"):
        interactions_delete(person=person, chosen=chosen[person.key])


class PairView(GorseView):
    """What one user did with one item."""

    def get(self, request: Request, user: str, item: str, kind: str = "") -> Response:
        rows = [
            shown(row) for row in grouped(Interaction.objects.filter(of_both(user, item, kind)))
        ]
        if kind and not rows:
            raise NotFound(_("There is no such feedback."))
        return Response(rows[0] if kind else rows)

    def delete(self, request: Request, user: str, item: str, kind: str = "") -> Response:
        rows = [
            shown(row) for row in grouped(Interaction.objects.filter(of_both(user, item, kind)))
        ]
        person = Person.objects.filter(key=user).first()
        if person is not None and rows:
            interactions_delete(person=person, chosen=of_both(user, item, kind))
        return Response(rows[0] if kind and rows else affected(len(rows)))


class UserFeedbackView(GorseView):
    """What one user did, with whichever item."""

    def get(self, request: Request, user: str, kind: str = "") -> Response:
        return Response(listed(Q(person__key=user), kind))


class ItemFeedbackView(GorseView):
    """What users did with one item."""

    def get(self, request: Request, item: str, kind: str = "") -> Response:
        return Response(listed(Q(item__key=item), kind))


def listed(chosen: Q, kind: str) -> list[dict[str, Any]]:
    """The newest feedback first, as many as a page holds at most."""
    rows = Interaction.objects.filter(chosen & Q(type=kind) if kind else chosen)
    return [shown(row) for row in grouped(rows).order_by("-last", *GROUP)[:MOST_ROWS]]
