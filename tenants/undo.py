"""What a toast can take back: for ten minutes, by whoever did it, once.

A step that can be undone leaves a note of what would undo it; its address goes into the message.
"""

import json
import logging
from collections.abc import Callable, Iterator
from secrets import token_urlsafe
from typing import Any

from django.apps import apps
from django.contrib import messages
from django.core import serializers
from django.core.cache import cache
from django.db import IntegrityError, models, transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from saas.errors import AlreadyExists, Gone, Unavailable
from tenants.http_types import MemberRequest

logger = logging.getLogger(__name__)

LIFETIME_S = 600
# More rows than these are not kept for an afterthought: such deletions ask first.
MOST_ROWS = 500

Undo = Callable[[Any], object]
_undos: dict[str, Undo] = {}


def register(name: str, undo: Undo) -> None:
    """Say how a step is taken back, from what was noted of it; in your AppConfig.ready()."""
    _undos[name] = undo


def done(request: MemberRequest, text: str, name: str, noted: Any) -> None:
    """Tell that it is done, with a button that undoes it."""
    messages.success(request, text, extra_tags=note(request, name, noted))


def note(request: MemberRequest, name: str, noted: Any) -> str:
    """The address that undoes it; "" where nothing was noted, or nothing can be kept now."""
    token = token_urlsafe(16)
    if noted is None:
        return ""
    try:
        cache.set(key_of(request, token), json.dumps([name, noted]), LIFETIME_S)
    except RedisError as error:
        logger.warning("undo_lost error=%s", type(error).__name__)
        return ""
    return reverse("undo", args=[request.tenant.slug, token])


def undo(request: MemberRequest, token: str) -> None:
    """Take the step back; raises Gone where that was done, or is too long ago."""
    key = key_of(request, token)
    try:
        kept = cache.get(key)
        gone = not cache.delete(key)
    except RedisError as error:
        raise Unavailable from error
    if gone or kept is None:
        raise Gone(_("This can no longer be undone."))
    name, noted = json.loads(kept)
    _undos[name](noted)


def key_of(request: HttpRequest, token: str) -> str:
    return f"undo:{request.tenant.pk}:{request.user.pk}:{token}"  # type: ignore[attr-defined]


def deleted(row: models.Model) -> dict[str, Any] | None:
    """Delete a row, and note what brings it back; None where that would be too much."""
    rows = list(with_dependants(row))
    links = list(links_to(row))
    noted = None
    if len(rows) + sum(len(link["ids"]) for link in links) <= MOST_ROWS:
        noted = {"rows": serializers.serialize("json", rows), "links": links}
    row.delete()
    return noted


def with_dependants(row: models.Model) -> Iterator[models.Model]:
    """The row, and those that go with it: each after what it refers to."""
    yield row
    for relation in relations(row, models.CASCADE):
        related = relation.related_model._default_manager.filter(**{relation.field.name: row})
        for each in related[:MOST_ROWS]:
            yield from with_dependants(each)


def links_to(row: models.Model) -> Iterator[dict[str, Any]]:
    """The rows that stay and refer to it no more."""
    for relation in relations(row, models.SET_NULL):
        name, model = relation.field.name, relation.related_model
        found = model._default_manager.filter(**{name: row}).values_list("pk", flat=True)
        ids = [str(pk) for pk in found[: MOST_ROWS + 1]]
        yield {"model": model._meta.label, "field": name, "ids": ids}


def relations(row: models.Model, on_delete: Any) -> Iterator[Any]:
    for relation in row._meta.related_objects:
        if relation.on_delete is on_delete:
            yield relation


def restore(noted: dict[str, Any]) -> None:
    """Bring back deleted rows under their ids. Raises AlreadyExists where a place was taken."""
    try:
        with transaction.atomic():
            first = None
            for each in serializers.deserialize("json", noted["rows"]):
                row = each.object
                row.save(force_insert=True)
                first = first or row
            for link in noted["links"]:
                rows = apps.get_model(link["model"])._default_manager.filter(pk__in=link["ids"])
                rows.filter(**{link["field"]: None}).update(**{link["field"]: first})
    except IntegrityError as error:
        raise AlreadyExists(_("Another one has taken its place.")) from error
