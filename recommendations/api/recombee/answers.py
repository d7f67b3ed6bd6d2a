"""Recombee's recommendations, next pages, searches and segments."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from recommendations.api.behaviour import person_named
from recommendations.api.recombee.base import (
    flag_of,
    key_of,
    names_of,
    number_of,
    refuse,
    whole_of,
)
from recommendations.api.recombee.entities import declared, item_by, person_by, shown
from recommendations.api.serializers import MOST_ITEMS
from recommendations.models import Person, Recommendation, Scenario
from recommendations.services.answers import Answer, Ask, recommend, recommend_next
from recommendations.services.audience import ScoredPerson, persons_for_item, persons_like
from recommendations.services.search import search_items
from recommendations.services.segments import TAGS, segments_for

Params = Mapping[str, Any]
NAMES = {
    "diversity": "diversity",
    "minRelevance": "min_relevance",
    "rotationRate": "rotation_rate",
}
# How often a client may ask for a next page; ours go on for a day.
NEXT_CALLS = 100


def question(params: Params) -> dict[str, Any]:
    """Count, scenario and settings as our questions have them."""
    own: dict[str, Any] = {ours: number_of(params, theirs) for theirs, ours in NAMES.items()}
    own |= {name: params.get(name) or None for name in ("filter", "booster")}
    if not all(own[name] is None or isinstance(own[name], str) for name in ("filter", "booster")):
        raise refuse(_("filter, booster: give a text."))
    seconds = number_of(params, "rotationTime")
    if seconds is not None:
        own["rotation_hours"] = seconds / 3600
    name = params.get("scenario")
    return {
        "count": whole_of(params, "count", 10, MOST_ITEMS),
        "scenario": Scenario.objects.filter(key=name).first() if name else None,
        "own": {name: value for name, value in own.items() if value is not None},
        "metered": True,
    }


def asker(params: Params, user: Any) -> Person | None:
    """Who asks; made where they are new and the caller says so, else somebody unknown."""
    if user is None:
        return None
    key = key_of(user, "userId")
    if flag_of(params, "cascadeCreate"):
        return person_named(key)
    found: Person | None = Person.objects.select_related("merged_into").filter(key=key).first()
    return (found.merged_into or found) if found else None


def told(answer: Answer, params: Params) -> dict[str, Any]:
    rows = []
    kinds = declared("item_properties")
    wanted = names_of(params.get("includedProperties")) or list(kinds)
    kept = {name: kinds[name] for name in wanted if name in kinds}
    for each in answer.shown:
        row: dict[str, Any] = {"id": each.item.key}
        if flag_of(params, "returnProperties"):
            row["values"] = shown(each.item.attributes, kept)
        rows.append(row)
    return reply(answer.recommendation, rows)


def reply(entry: Recommendation, rows: list[dict[str, Any]]) -> dict[str, Any]:
    left = NEXT_CALLS if rows else 0
    return {"recommId": str(entry.pk), "recomms": rows, "numberNextRecommsCalls": left}


def items_to_user(params: Params, user: str) -> dict[str, Any]:
    ask = Ask(person=asker(params, user), **question(params))
    return told(recommend(ask=ask), params)


def items_to_item(params: Params, item: str) -> dict[str, Any]:
    person = asker(params, params.get("targetUserId"))
    ask = Ask(item=item_by(item), person=person, **question(params))
    return told(recommend(ask=ask), params)


def next_items(params: Params, recomm: str) -> dict[str, Any]:
    try:
        recomm_id = UUID(recomm)
    except ValueError:
        raise refuse(_("There is no such recommendation."), 404) from None
    count = whole_of(params, "count", 10, MOST_ITEMS)
    return told(recommend_next(recomm_id=recomm_id, count=count), params)


def search(params: Params, user: str) -> dict[str, Any]:
    query = params.get("searchQuery")
    if not isinstance(query, str) or not 0 < len(query) <= 300:
        raise refuse(_("searchQuery: give a text of at most 300 characters."))
    ask = Ask(person=asker(params, user), **question(params))
    return told(search_items(query=query, ask=ask), params)


def users_to_item(params: Params, item: str) -> dict[str, Any]:
    count = whole_of(params, "count", 10, MOST_ITEMS)
    return persons(persons_for_item(item=item_by(item), count=count), params)


def users_to_user(params: Params, user: str) -> dict[str, Any]:
    count = whole_of(params, "count", 10, MOST_ITEMS)
    return persons(persons_like(person=person_by(user), count=count), params)


def persons(found: list[ScoredPerson], params: Params) -> dict[str, Any]:
    kinds = declared("person_properties")
    rows = []
    for each in found:
        row: dict[str, Any] = {"id": each.person.key}
        if flag_of(params, "returnProperties"):
            row["values"] = shown(each.person.attributes, kinds)
        rows.append(row)
    return reply(Recommendation.objects.create(), rows) | {"numberNextRecommsCalls": 0}


def segments_to_user(params: Params, user: str) -> dict[str, Any]:
    ask = Ask(person=asker(params, user), **question(params))
    return segments(ask)


def segments_to_item(params: Params, item: str) -> dict[str, Any]:
    person = asker(params, params.get("targetUserId"))
    return segments(Ask(item=item_by(item), person=person, **question(params)))


def segments(ask: Ask) -> dict[str, Any]:
    answer, found = segments_for(ask=ask, by=TAGS)
    rows = [{"id": each.name} for each in found]
    return reply(answer.recommendation, rows) | {"numberNextRecommsCalls": 0}


def scenarios(params: Params) -> list[dict[str, Any]]:
    rows = Scenario.objects.order_by("key")
    return [{"id": row.key, "logic": None, "resultType": "items"} for row in rows]
