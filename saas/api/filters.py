"""Query parameters: the ones that a list knows, with values that fit, and no others."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters import BaseInFilter, FilterSet, IsoDateTimeFilter, ModelChoiceFilter, UUIDFilter
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.request import Request
from rest_framework.views import APIView

from saas.api.pagination import PARAMETERS, InvalidParameter
from saas.errors import Invalid

MOST_IDS = 100


class IdsFilter(BaseInFilter, UUIDFilter):  # type: ignore[misc]
    """Ids with commas between them."""

    def filter(self, found: QuerySet[Any], value: list[Any] | None) -> QuerySet[Any]:
        return super().filter(found, value[:MOST_IDS] if value else value)  # type: ignore[no-any-return]


class RowFilter(FilterSet):  # type: ignore[misc]
    """What every list of rows can be narrowed by: some of them by id, or a stretch of time."""

    ids = IdsFilter(field_name="pk", label=f"Up to {MOST_IDS} ids, with commas between.")
    created_after = IsoDateTimeFilter(
        field_name="created_at", lookup_expr="gte", label="Made at this moment or later."
    )
    created_before = IsoDateTimeFilter(
        field_name="created_at", lookup_expr="lt", label="Made before this moment."
    )
    updated_after = IsoDateTimeFilter(
        field_name="updated_at", lookup_expr="gte", label="Changed at this moment or later."
    )
    updated_before = IsoDateTimeFilter(
        field_name="updated_at", lookup_expr="lt", label="Changed before this moment."
    )


class StrictFilterBackend(DjangoFilterBackend):  # type: ignore[misc]
    """Refuses what DjangoFilterBackend would silently leave out."""

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: APIView
    ) -> QuerySet[Any]:
        filterset = self.get_filterset(request, queryset, view)
        if filterset is None:
            return queryset
        if not filterset.is_valid():
            raise refusal(filterset)
        found: QuerySet[Any] = filterset.qs
        return found


def refusal(filterset: FilterSet) -> Invalid:
    """The first filter whose value does not fit; a row that is not there does not exist."""
    name, messages = next(iter(filterset.errors.items()))
    if not isinstance(filterset.filters.get(name), ModelChoiceFilter):
        return InvalidParameter(name, str(messages[0]))
    detail = _("There is no object with this id.")
    error = {"parameter": name, "code": "does_not_exist", "detail": detail}
    return Invalid(detail, errors=[error])


def refuse_unknown(request: Request, known: set[str]) -> None:
    """Raise for the first query parameter that the view does not take, or that says nothing."""
    for name, values in request.query_params.lists():
        if name not in known:
            raise InvalidParameter(name, _("This parameter is not known here."))
        if len(values) > 1 or not values[0]:
            raise InvalidParameter(name, _("Give one value, or leave it out."))


def known_parameters(view: APIView) -> set[str]:
    """The query parameters of a view: its filters where it lists, and what it names itself."""
    own = set(getattr(view, "parameters", ()))
    if getattr(view, "action", None) != "list":
        return own
    filterset = getattr(view, "filterset_class", None)
    return own | set(PARAMETERS) | set(filterset.base_filters if filterset else ())
