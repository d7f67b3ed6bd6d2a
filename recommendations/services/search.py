"""Search over texts, ranked for whoever asks: how well an item matches, and how well it suits."""

from dataclasses import replace
from typing import Any

from django.db.models import Case, FloatField, Q, Value, When

from recommendations.models import Item
from recommendations.services.answers import Answer, Ask, Shown, recommend

MOST_WORDS = 8
# So many of the best matches are ranked for the person.
RANKED = 200
# What a word counts for where it stands, and how much the last place loses against the first.
TITLE, TAG, TEXT = 3.0, 2.0, 1.0
PERSONAL = 0.5


def search_items(*, query: str, ask: Ask) -> Answer:
    """The items in which all words stand; of those that match alike, what suits the asker first."""
    relevance = matches(query)
    if not relevance:
        return recommend(ask=replace(ask, only=frozenset()))
    answer = recommend(ask=replace(ask, count=len(relevance), only=frozenset(relevance)))
    best = max(relevance.values())
    size = max(1, len(answer.shown))
    ranked = [
        replace(each, score=relevance[each.item.number] / best - PERSONAL * place / size)
        for place, each in enumerate(answer.shown)
    ]
    found = sorted(ranked, key=lambda each: -each.score)[: ask.count]
    note(answer, found)
    return replace(answer, shown=found)


def note(answer: Answer, shown: list[Shown]) -> None:
    """What is really shown is what the log says, so that a next page goes on from it."""
    entry = answer.recommendation
    entry.items = [each.item.number for each in shown]
    entry.scores = [each.score for each in shown]
    entry.sources = [each.source for each in shown]
    entry.save(update_fields=["items", "scores", "sources", "updated_at"])


def matches(query: str) -> dict[int, float]:
    """How well the best-matching items match, by their numbers."""
    words = query.split()[:MOST_WORDS]
    if not words:
        return {}
    rows = Item.objects.filter(hidden=False, in_stock=True)
    relevance: Any = Value(0.0)
    for word in words:
        title, tag = Q(title__icontains=word), Q(tags__contains=[word.lower()])
        rows = rows.filter(title | tag | Q(text__icontains=word) | Q(key=word))
        relevance = relevance + Case(
            When(title, then=Value(TITLE)),
            When(tag, then=Value(TAG)),
            default=Value(TEXT),
            output_field=FloatField(),
        )
    ranked = rows.annotate(relevance=relevance).order_by("-relevance", "-created_at")
    return dict(ranked.values_list("number", "relevance")[:RANKED])
