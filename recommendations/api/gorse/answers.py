"""Gorse's recommendations, neighbours and lists for everybody."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from recommendations.api.behaviour import person_named
from recommendations.api.gorse.base import (
    DEFAULT_COUNT,
    GorseView,
    checked_key,
    duration_of,
    whole,
)
from recommendations.api.gorse.feedback import WRITE_BACK, events_of, type_of
from recommendations.api.gorse.rows import item_by, person_by
from recommendations.api.serializers import MOST_ITEMS
from recommendations.models import Interaction, Item, Person
from recommendations.services.answers import Answer, Ask, Past, recommend
from recommendations.services.audience import persons_like
from recommendations.services.interactions import EventData, interactions_record, type_weight
from recommendations.serving.settings import SOURCES
from saas.errors import NotFound

# Lists for everybody are of one source alone; Gorse's names, and what they come to.
LISTS = {"latest": "newest", "popular": "popular", "trending": "trending"}


def in_category(category: str) -> dict[str, Any]:
    """The settings that keep an answer to one category."""
    if not category:
        return {}
    escaped = category.replace("\\", "\\\\").replace('"', '\\"')
    return {"filter": f"\"{escaped}\" in 'tags'"}


def only(source: str) -> dict[str, Any]:
    return {"sources": {name: float(name == source) for name in SOURCES}}


# Without chance, so that a page by its offset goes on where the one before it ended.
STEADY = {"exploration": 0.0}


def asked(request: Request, **question: Any) -> list[dict[str, Any]]:
    """The answer to a question, from `offset` on and `n` long."""
    count = whole(request, "n", DEFAULT_COUNT, MOST_ITEMS)
    offset = whole(request, "offset", 0, MOST_ITEMS)
    if not count:
        return []
    answer = recommend(ask=Ask(count=min(count + offset, MOST_ITEMS), metered=True, **question))
    return scored(answer)[offset : offset + count]


def scored(answer: Answer) -> list[dict[str, Any]]:
    return [{"Id": each.item.key, "Score": round(each.score, 6)} for each in answer.shown]


class RecommendView(GorseView):
    """Items for a user: ids, or with X-API-Version 2 their scores too."""

    readable_with = ("read",)

    def get(self, request: Request, user: str, category: str = "") -> Response:
        category = category or request.query_params.get("category", "")
        with transaction.atomic():
            person = person_named(checked_key(user, "UserId"))
            assert person is not None
            own = {"filter_seen": True, **in_category(category)}
            rows = asked(request, person=person, own=own, without=written_back(person))
            write_back(request, person, [row["Id"] for row in rows])
        plain = request.headers.get("X-API-Version", "1") != "2"
        return Response([row["Id"] for row in rows] if plain else rows)


def written_back(person: Person) -> frozenset[int]:
    """What was written back by now."""
    rows = person.interactions.filter(
        type=Interaction.Type.IMPRESSION, session=WRITE_BACK, occurred_at__lte=timezone.now()
    )
    return frozenset(rows.values_list("item__number", flat=True))


def write_back(request: Request, person: Person, items: list[str]) -> None:
    """Note what is shown, so that it does not come again once the delay is over."""
    kind = request.query_params.get("write-back-type", "")
    if not kind or not items:
        return
    type_of(kind)
    at = timezone.now() + duration_of(request.query_params.get("write-back-delay", ""))
    shown = Interaction.Type.IMPRESSION
    interactions_record(
        events=[EventData(person.key, item, shown, at, session=WRITE_BACK) for item in items]
    )


class SessionView(GorseView):
    """Items for somebody of whom only this session is known; nothing of it is kept."""

    scope = "read"
    role = "viewer"

    def post(self, request: Request, category: str = "") -> Response:
        events = sorted(events_of(request.data), key=lambda event: event.occurred_at)
        known = Item.objects.keyed(event.item for event in events)
        told = [event for event in events if event.item in known]
        past = Past(
            [known[event.item].number for event in told],
            [type_weight(event.type) for event in told],
            [event.occurred_at.timestamp() for event in told],
        )
        category = category or request.query_params.get("category", "")
        own, seen = in_category(category), frozenset(past.items)
        return Response(asked(request, own=own, past=past, without=seen))


class NeighboursView(GorseView):
    """Items that go with an item."""

    def get(
        self, request: Request, item: str, category: str = "", name: str = "neighbors"
    ) -> Response:
        category = category or request.query_params.get("category", "")
        return Response(asked(request, item=item_by(item), own={**STEADY, **in_category(category)}))


class UserNeighboursView(GorseView):
    """Users who resemble a user."""

    def get(self, request: Request, user: str, name: str = "neighbors") -> Response:
        count = whole(request, "n", DEFAULT_COUNT, MOST_ITEMS)
        offset = whole(request, "offset", 0, MOST_ITEMS)
        found = persons_like(person=person_by(user), count=count + offset)
        return Response(
            [{"Id": each.person.key, "Score": round(each.score, 6)} for each in found[offset:]]
        )


class ListView(GorseView):
    """Items for everybody: the newest, or what is popular."""

    def get(self, request: Request, name: str, category: str = "") -> Response:
        if name not in LISTS:
            raise NotFound(_("Choose of: %s.") % ", ".join(LISTS))
        category = category or request.query_params.get("category", "")
        return Response(
            asked(request, own={**STEADY, **only(LISTS[name]), **in_category(category)})
        )


class LearntView(GorseView):
    """Items for a user by what was learnt from everybody's behaviour."""

    def get(self, request: Request, user: str) -> Response:
        return Response(asked(request, person=person_by(user), own={**STEADY, "filter_seen": True}))


class HealthView(GorseView):
    """Whether the server answers."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()

    def get(self, request: Request, name: str) -> Response:
        state: Mapping[str, Any] = {
            "Ready": True,
            "DataStoreConnected": True,
            "CacheStoreConnected": True,
            "DataStoreError": None,
            "CacheStoreError": None,
        }
        return Response(state)
