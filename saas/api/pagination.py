"""Lists by cursor: pages neither skip nor repeat a row, however the list changes meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from saas.api.throttling import CountedRequest
from saas.errors import Invalid

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
DEFAULT_ORDER = "-created_at"
PARAMETERS = ("after", "before", "limit", "order")


@dataclass(frozen=True, slots=True)
class Place:
    """A row's place in an order: its value there, and its id where values are equal."""

    value: str
    pk: str


class CursorPagination(BasePagination):
    """Takes `after` or `before`, `limit`, and an `order` from the view's `orders`.

    A cursor is signed for one workspace, one list and one order; elsewhere it means nothing.
    """

    def paginate_queryset(  # type: ignore[override]
        self, queryset: QuerySet[Any], request: Request, view: APIView | None = None
    ) -> list[Any]:
        query = request.query_params
        self.order = order_of(view, query.get("order", DEFAULT_ORDER))
        tenant = cast(CountedRequest, request._request).tenant
        self.salt = f"cursor:{tenant.pk}:{request.path_info.rstrip('/')}:{self.order}"
        limit = limit_of(query.get("limit", str(DEFAULT_LIMIT)))
        after, before = query.get("after"), query.get("before")
        if after is not None and before is not None:
            raise InvalidParameter("before", _("Give either “after” or “before”."))
        self.has_more, rows = self._page(queryset, limit, after, before)
        self.rows: Sequence[Model] = rows
        return rows

    def _page(
        self, queryset: QuerySet[Any], limit: int, after: str | None, before: str | None
    ) -> tuple[bool, list[Any]]:
        backwards = before is not None
        cursor = before if backwards else after
        order = _reversed(self.order) if backwards else self.order
        if cursor is not None:
            parameter = "before" if backwards else "after"
            queryset = self._beyond(queryset, order, self._read(cursor, parameter), parameter)
        pk = "-pk" if order.startswith("-") else "pk"
        rows = list(queryset.order_by(order, pk)[: limit + 1])
        page = rows[:limit]
        return len(rows) > limit, page[::-1] if backwards else page

    def _beyond(
        self, queryset: QuerySet[Any], order: str, place: Place, parameter: str
    ) -> QuerySet[Any]:
        name, step = order.removeprefix("-"), "lt" if order.startswith("-") else "gt"
        try:
            return queryset.filter(
                Q(**{f"{name}__{step}": place.value})
                | Q(**{name: place.value, f"pk__{step}": UUID(place.pk)})
            )
        except (ValueError, ValidationError) as error:
            raise InvalidCursor(parameter) from error

    def _read(self, cursor: str, parameter: str) -> Place:
        try:
            return Place(*signing.loads(cursor, salt=self.salt))
        except (signing.BadSignature, TypeError, ValueError) as error:
            raise InvalidCursor(parameter) from error

    def _cursor(self, row: Model) -> str:
        value = getattr(row, self.order.removeprefix("-"))
        text = value.isoformat() if hasattr(value, "isoformat") else str(value)
        return signing.dumps([text, str(row.pk)], salt=self.salt)

    def get_paginated_response(self, data: Any) -> Response:
        first, last = (self.rows[0], self.rows[-1]) if self.rows else (None, None)
        return Response(
            {
                "data": data,
                "has_more": self.has_more,
                "next_cursor": self._cursor(last) if last else None,
                "previous_cursor": self._cursor(first) if first else None,
            }
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        cursor = {"type": ["string", "null"]}
        return {
            "type": "object",
            "required": ["data", "has_more", "next_cursor", "previous_cursor"],
            "properties": {
                "data": schema,
                "has_more": {"type": "boolean"},
                "next_cursor": cursor | {"description": str(NEXT)},
                "previous_cursor": cursor | {"description": str(PREVIOUS)},
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        names = sorted(_orders(view))
        choices = [sign + name for name in names for sign in ("", "-")]
        limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
        order = {"type": "string", "enum": choices, "default": DEFAULT_ORDER}
        return [
            _parameter("after", {"type": "string"}, AFTER),
            _parameter("before", {"type": "string"}, BEFORE),
            _parameter("limit", limit, LIMIT),
            _parameter("order", order, ORDER),
        ]


NEXT = gettext_lazy("Give it as `after` for the next page.")
PREVIOUS = gettext_lazy("Give it as `before` for the page before.")
AFTER = gettext_lazy("The `next_cursor` of a page: the rows behind it.")
BEFORE = gettext_lazy("The `previous_cursor` of a page: the rows before it.")
LIMIT = gettext_lazy("How many rows a page holds at most.")
ORDER = gettext_lazy("The field to sort by; `-` before it sorts downwards.")


def _parameter(name: str, schema: dict[str, Any], description: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "schema": schema,
        "description": str(description),
    }


def _orders(view: APIView | None) -> set[str]:
    return {"created_at", *getattr(view, "orders", ())}


def _reversed(order: str) -> str:
    return order[1:] if order.startswith("-") else f"-{order}"


def order_of(view: APIView | None, wanted: str) -> str:
    if wanted.removeprefix("-") not in _orders(view) or wanted.startswith("--"):
        raise InvalidParameter("order", _("This list cannot be sorted by that."))
    return wanted


def limit_of(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= MAX_LIMIT):
        raise InvalidParameter("limit", _("From 1 to %d.") % MAX_LIMIT)
    return int(text)


class InvalidParameter(Invalid):
    """A query parameter is not taken."""

    code = "invalid_parameter"
    advice = gettext_lazy("“errors” names the query parameter that is not taken.")

    def __init__(self, parameter: str, detail: str) -> None:
        error = {"parameter": parameter, "code": self.code, "detail": detail}
        super().__init__(detail, errors=[error])


class InvalidCursor(InvalidParameter):
    code = "invalid_cursor"
    advice = gettext_lazy("A cursor fits the list, the order and the workspace that it came from.")

    def __init__(self, parameter: str) -> None:
        super().__init__(parameter, _("This cursor is not one of this list."))
