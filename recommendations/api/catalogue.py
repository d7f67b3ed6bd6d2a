"""Items and people over the API: one or many at a time, by the customer's own ids."""

from typing import Any

from django.utils.translation import gettext as _
from django_filters import CharFilter, ChoiceFilter, FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from recommendations.api.base import LARGE_BODY, MOST_ROWS, KeyedViewSet, many
from recommendations.api.serializers import (
    ItemChangeSerializer,
    ItemSerializer,
    MergeSerializer,
    PersonChangeSerializer,
    PersonSerializer,
)
from recommendations.models import Item, Person
from recommendations.models.catalogue import ItemQuerySet
from recommendations.services.catalogue import ItemData, items_write, persons_write
from recommendations.services.interactions import person_forget, person_merge
from saas.errors import Invalid
from tenants.idempotency.api import idempotent
from tenants.models_base import TenantQuerySet

YES_NO = [("true", "true"), ("false", "false")]


class ItemFilter(FilterSet):  # type: ignore[misc]
    """Items by words, type and tag."""

    q = CharFilter(max_length=200, method="search", label="Words of the id, title or tags.")
    type = CharFilter(max_length=40)
    tag = CharFilter(max_length=60, method="tagged", label="A tag that it has.")
    hidden = ChoiceFilter(choices=YES_NO, method="by_hidden")

    def search(self, found: ItemQuerySet, name: str, value: str) -> ItemQuerySet:
        return found.search(value)

    def tagged(self, found: ItemQuerySet, name: str, value: str) -> ItemQuerySet:
        return found.filter(tags__contains=[value])

    def by_hidden(self, found: ItemQuerySet, name: str, value: str) -> ItemQuerySet:
        return found.filter(hidden=value == "true")


class ItemViewSet(KeyedViewSet):
    """The catalogue. Ids are your own; sending one that is there changes it."""

    model = Item
    serializer_class = ItemSerializer
    filterset_class = ItemFilter
    tag = "recommendations"
    max_body = LARGE_BODY

    @extend_schema(request=ItemSerializer, responses={201: ItemSerializer})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Make or change an item, or up to 1,000 as a list."""
        rows, listed = many(request.data, MOST_ROWS)
        asked = ItemSerializer(data=rows, many=True)
        asked.is_valid(raise_exception=True)
        items = [item_data(values) for values in asked.validated_data]
        written = items_write(items=items)
        if listed:
            counts = {"created": written.created, "updated": written.updated}
            return Response(counts, status=status.HTTP_201_CREATED)
        code = status.HTTP_201_CREATED if written.created else status.HTTP_200_OK
        return self.shown(Item.objects.get(key=items[0].key), code)

    @extend_schema(request=ItemChangeSerializer, responses={200: ItemSerializer})
    def partial_update(self, request: Request, key: str) -> Response:
        item = self.get_object()
        asked = ItemChangeSerializer(item, data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        items_write(items=[ItemData(item.key, asked.validated_data)])
        return self.shown(self.get_object())

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, key: str) -> Response:
        """Delete an item with all that people did with it. To only stop showing it, hide it."""
        self.get_object().delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


def item_data(values: dict[str, Any]) -> ItemData:
    given = dict(values)
    return ItemData(given.pop("key"), given)


class PersonViewSet(KeyedViewSet):
    """Visitors of the site. They are made by their first event, too."""

    model = Person
    serializer_class = PersonSerializer
    tag = "recommendations"
    max_body = LARGE_BODY

    def get_queryset(self) -> TenantQuerySet[Any]:
        found = super().get_queryset()
        return found.filter(merged_into=None)

    @extend_schema(request=PersonSerializer, responses={201: PersonSerializer})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Make or change a person, or up to 1,000 as a list."""
        rows, listed = many(request.data, MOST_ROWS)
        asked = PersonSerializer(data=rows, many=True)
        asked.is_valid(raise_exception=True)
        persons = {values.pop("key"): values for values in asked.validated_data}
        written = persons_write(persons=persons)
        if listed:
            counts = {"created": written.created, "updated": written.updated}
            return Response(counts, status=status.HTTP_201_CREATED)
        code = status.HTTP_201_CREATED if written.created else status.HTTP_200_OK
        return self.shown(Person.objects.get(key=next(iter(persons))), code)

    @extend_schema(request=PersonChangeSerializer, responses={200: PersonSerializer})
    def partial_update(self, request: Request, key: str) -> Response:
        person = self.get_object()
        asked = PersonChangeSerializer(person, data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        persons_write(persons={person.key: asked.validated_data})
        return self.shown(self.get_object())

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, key: str) -> Response:
        """Forget a person: their events, vectors and part in every count go as well."""
        person_forget(person=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=MergeSerializer, responses={200: PersonSerializer})
    @action(detail=True, methods=["post"])
    @idempotent()
    def merge(self, request: Request, key: str) -> Response:
        """Make an anonymous visitor one with the person they turned out to be."""
        asked = MergeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        person = self.get_object()
        into = Person.objects.present().filter(key=asked.validated_data["into"]).first()
        if into is None or into == person:
            detail = _("Name another person, who is known already.")
            raise Invalid(errors=[{"pointer": "/into", "code": "does_not_exist", "detail": detail}])
        return self.shown(person_merge(person=person, into=into))
