"""What people think of texts, counted by the version that wrote them."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any

from django.db.models import Count, F, Q

from generation.models import Content, Variant
from tenants.models_base import TenantQuerySet
from training.feedback import Feedback, Mean, Rate

APPROVED = (Content.Status.APPROVED, Content.Status.PUBLISHED)
# A word, or one character of Chinese.
WORD = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")
# Newer texts say more about a version than older ones, and each pair of texts takes a moment.
MOST_COMPARED = 500


def feedback(sha256s: Sequence[str], since: datetime) -> Mapping[str, Feedback]:
    """Of each version's texts since then: what was liked, picked, approved, and changed."""
    written = Variant.objects.ready().filter(created_at__gte=since)
    return {sha256: of_texts(written.filter(adapter_sha256=sha256)) for sha256 in sha256s}


def of_texts(texts: TenantQuerySet[Any]) -> Feedback:
    counted = texts.aggregate(
        texts=Count("pk"),
        rated=Count("pk", filter=~Q(rating=0)),
        liked=Count("pk", filter=Q(rating=1)),
        picked=Count("pk", filter=Q(picked_at__isnull=False)),
    )
    kept = Content.objects.filter(variant__in=texts)
    approved = kept.filter(status__in=APPROVED).values("variant").distinct().count()
    return Feedback(
        texts=counted["texts"],
        liked=Rate(counted["liked"], counted["rated"]),
        picked=Rate(counted["picked"], counted["texts"]),
        approved=Rate(approved, counted["texts"]),
        changed=Mean.of(changes(kept)),
    )


def changes(kept: TenantQuerySet[Content]) -> list[float]:
    """For each kept text the share of its words that people changed: 0 is none, 1 is all."""
    pairs = kept.newest().values_list(F("variant__model_text"), "text")[:MOST_COMPARED]
    return [changed(before, after) for before, after in pairs]


def changed(before: str, after: str) -> float:
    old, new = WORD.findall(before), WORD.findall(after)
    return 1 - SequenceMatcher(None, old, new, autojunk=False).ratio()
