"""Lists as OpenAI's clients page through them: `after` is the id of the last row seen."""

from collections.abc import Callable
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from saas.api.pagination import InvalidParameter
from tenants.models_base import TenantQuerySet
from training.api.openai.ids import PrefixedId

PARAMETERS = ("after", "limit")
USUAL = 20

Show = Callable[[Any], dict[str, Any]]


def listed(
    request: Request,
    rows: TenantQuerySet[Any],
    show: Show,
    *,
    kind: type[PrefixedId],
    most: int = 100,
) -> Response:
    """A page of rows, the newest first, or the oldest where `order` is "asc"."""
    query = request.query_params
    limit = limit_of(query.get("limit", str(USUAL)), most)
    upwards = query.get("order", "desc") == "asc"
    if "after" in query:
        rows = beyond(rows, kind.read(query["after"]), upwards=upwards)
    order = ("created_at", "pk") if upwards else ("-created_at", "-pk")
    found = list(rows.order_by(*order)[: limit + 1])
    data = [show(row) for row in found[:limit]]
    return Response(page_of(data, has_more=len(found) > limit))


def page_of(data: list[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return {
        "object": "list",
        "data": data,
        "first_id": first,
        "last_id": last,
        "has_more": has_more,
    }


def beyond(rows: TenantQuerySet[Any], key: Any, *, upwards: bool) -> TenantQuerySet[Any]:
    """The rows behind the one with this id. Raises InvalidParameter where it is not there."""
    last = rows.filter(pk=key).first() if key else None
    if last is None:
        raise InvalidParameter("after", _("There is no object with this id."))
    step = "gt" if upwards else "lt"
    return rows.filter(
        Q(**{f"created_at__{step}": last.created_at})
        | Q(created_at=last.created_at, **{f"pk__{step}": last.pk})
    )


def limit_of(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= most):
        raise InvalidParameter("limit", _("From 1 to %d.") % most)
    return int(text)


def list_schema(item: dict[str, Any]) -> dict[str, Any]:
    """How a page of such items is described."""
    identity = {"type": ["string", "null"]}
    return {
        "type": "object",
        "required": ["object", "data", "has_more"],
        "properties": {
            "object": {"const": "list"},
            "data": {"type": "array", "items": item},
            "first_id": identity,
            "last_id": identity,
            "has_more": {"type": "boolean"},
        },
    }


def seconds(moment: Any) -> int | None:
    """A moment as OpenAI's clients read it: whole seconds since 1970."""
    return int(moment.timestamp()) if moment else None
