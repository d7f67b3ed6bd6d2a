"""Brands, audiences and the kinds of copy."""

from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from generation import kinds
from generation.api.editable import EditableViewSet
from generation.api.serializers import AudienceSerializer, BrandSerializer, KindSerializer
from generation.models import Audience, Brand
from saas.api.filters import RowFilter
from saas.api.views import ApiView
from saas.errors import NotFound

BRAND = OpenApiExample(
    "A brand",
    request_only=True,
    value={
        "name": "Lumen Lamps",
        "about": "We make desk lamps that dim themselves as the evening comes.",
        "tone": "warm, plain, a little playful",
        "banned": ["revolutionary", "game-changing"],
        "facts": ["Free shipping over 50 euros", "Two-year guarantee"],
    },
)
AUDIENCE = OpenApiExample(
    "An audience",
    request_only=True,
    value={
        "name": "Night readers",
        "description": "People who read in bed next to someone who sleeps.",
        "pains": ["Bright light wakes the other one"],
    },
)


@extend_schema_view(create=extend_schema(examples=[BRAND]))
class BrandViewSet(EditableViewSet):
    """Brands: their voice, their words, their facts."""

    model = Brand
    serializer_class = BrandSerializer
    filterset_class = RowFilter
    orders = ("name", "updated_at")

    def store(self, serializer: BaseSerializer[Any]) -> None:
        with transaction.atomic():
            if serializer.validated_data.get("is_default"):
                Brand.objects.filter(is_default=True).update(is_default=False)
            super().store(serializer)


@extend_schema_view(create=extend_schema(examples=[AUDIENCE]))
class AudienceViewSet(EditableViewSet):
    """Audiences: the people that copy is for."""

    model = Audience
    serializer_class = AudienceSerializer
    filterset_class = RowFilter
    orders = ("name", "updated_at")


class KindList(ApiView):
    """The kinds of copy."""

    tag = "kinds"

    @extend_schema(responses=KindSerializer(many=True), operation_id="kinds_list")
    def get(self, request: Request) -> Response:
        return Response(KindSerializer(map(kinds.load, kinds.KINDS), many=True).data)


class KindDetail(ApiView):
    """One kind of copy, with the questions that its briefs answer."""

    tag = "kinds"

    @extend_schema(responses=KindSerializer, operation_id="kinds_retrieve")
    def get(self, request: Request, name: str) -> Response:
        try:
            return Response(KindSerializer(kinds.load(name)).data)
        except kinds.UnknownKind as error:
            raise NotFound from error
