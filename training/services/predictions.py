"""Asking a head: which model is meant, whether it may answer, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from saas.errors import NotFound
from tenants.billing.readings import record, require_credits
from training.errors import NotPredicting
from training.models import Dataset, ModelVersion
from training.services.versions import live_version, usable
from training.serving.client import ask

METER = "predictions"
CHAMPION = "@champion"


def version_named(name: str) -> ModelVersion:
    """The version of this id or number, or the one that is live for a dataset: `{id}@champion`.

    A dataset goes by its id or by its name. Raises NotFound.
    """
    if name.endswith(CHAMPION):
        found = champion_of(name.removesuffix(CHAMPION))
    elif name.isascii() and name.isdigit() and len(name) < 10:
        found = ModelVersion.objects.filter(number=int(name)).first()
    else:
        key = uuid_of(name)
        found = ModelVersion.objects.filter(pk=key).first() if key else None
    if found is None:
        raise NotFound
    return found


def champion_of(dataset: str) -> ModelVersion | None:
    key = uuid_of(dataset)
    asked = Q(name=dataset) | Q(pk=key) if key else Q(name=dataset)
    place = Dataset.objects.filter(asked).first()
    return live_version(place) if place else None


def uuid_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def predict(
    *,
    version: ModelVersion,
    texts: Sequence[str],
    top: int = 5,
    explain: bool = False,
    metered: bool = True,
) -> list[dict[str, Any]]:
    """What the head says of each text. Looking at it in the portal is free.

    Raises NotPredicting, AdapterNotAvailable, HeadUnusable, InsufficientCredits or Unavailable.
    """
    if version.writes:
        raise NotPredicting
    usable(version)
    if metered:
        require_credits()
    answer = ask(version, list(texts), top=top, explain=explain)
    if metered:
        with transaction.atomic():
            record(METER, len(texts))
    return answer.predictions
