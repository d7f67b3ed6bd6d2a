"""Which variant of one thing to show to whom, and how each does."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recommendations.api.behaviour import person_named
from recommendations.api.serializers import key_field
from recommendations.models import Item
from recommendations.services.variants import variant_choose, variant_report
from saas.api.fields import CharField
from saas.api.serializers import StrictSerializer
from saas.api.views import ApiView
from tenants.idempotency.api import idempotent

AUDIENCE = OpenApiParameter("audience", str, description="Only what this audience was shown.")


class ChoiceSerializer(StrictSerializer):
    """Of what a variant is wanted, for whom, and in which audience it is counted."""

    variant_of = key_field()
    person = key_field(default="", allow_blank=True)
    session = CharField(max_length=128, default="", allow_blank=True)
    audience = CharField(max_length=128, default="", allow_blank=True)


class ChosenSerializer(serializers.Serializer[Any]):
    """The item to show; events name the `recomm_id`."""

    recomm_id = serializers.UUIDField()
    id = serializers.CharField()
    properties = serializers.DictField()


class VariantResultSerializer(serializers.Serializer[Any]):
    """How many people saw it and how many chose it, and how probably it is the best."""

    id = serializers.CharField(source="item.key")
    title = serializers.CharField(source="item.title")
    shown = serializers.IntegerField(source="arm.impressions")
    chosen = serializers.IntegerField(source="arm.clicks")
    rate = serializers.FloatField(source="arm.rate")
    low = serializers.FloatField()
    high = serializers.FloatField()
    chance = serializers.FloatField()


class VariantReportSerializer(serializers.Serializer[Any]):
    """Intervals of all rates hold at every look together, at 95 %. `winner` is null while open."""

    variants = VariantResultSerializer(many=True)
    winner = serializers.SerializerMethodField()
    equal = serializers.BooleanField()

    def get_winner(self, report: Any) -> str | None:
        return report.winner.key if report.winner else None


class VariantChoiceView(ApiView):
    """Which of several variants to show."""

    essential = True
    tag = "recommendations"
    scope = "read"
    problems = (404,)

    @extend_schema(
        request=ChoiceSerializer,
        responses={200: ChosenSerializer},
        operation_id="recommendations_variant",
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        """Choose one of the items with this `variant_of`: the better one does, the more often."""
        asked = ChoiceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        answer = variant_choose(
            group=given["variant_of"],
            person=person_named(given["person"]),
            session=given["session"],
            audience=given["audience"],
        )
        item = Item.objects.get(number=answer.items[0])
        found = {"recomm_id": str(answer.pk), "id": item.key, "properties": item.properties()}
        return Response(found)


class VariantReportView(ApiView):
    """How the variants of one thing do."""

    tag = "recommendations"
    parameters = ("audience",)

    @extend_schema(
        responses={200: VariantReportSerializer},
        parameters=[AUDIENCE],
        operation_id="recommendations_variants",
    )
    def get(self, request: Request, key: str) -> Response:
        """How often each was shown and chosen; looking often makes no interval wrong."""
        audience = request.query_params.get("audience")
        return Response(VariantReportSerializer(variant_report(group=key, audience=audience)).data)
