"""Checks of text that was written anywhere: findings with their places in it."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from generation import kinds
from generation.api.serializers import MAX_TEXT, JSONObject
from generation.models import Audience, Brand
from generation.models.briefs import LANGUAGES
from generation.services.briefs import clean_fields
from generation.services.pasted import text_check
from saas.api.fields import CharField, ChoiceField, TenantRelatedField
from saas.api.serializers import StrictSerializer
from saas.api.views import ApiView

EXAMPLE = OpenApiExample(
    "A line",
    request_only=True,
    value={
        "text": "The world's best lamp, now 30% off.",
        "brand": "0197f3c2-6a51-7d0e-9c41-5f0c7d1e2a3b",
    },
)


class CheckRequestSerializer(StrictSerializer):
    """A text, and what it may say: the brand's facts and, where there is one, a brief's fields."""

    text = CharField(max_length=MAX_TEXT, trim_whitespace=False)
    kind = ChoiceField(
        choices=list(kinds.KINDS),
        required=False,
        help_text="Read it as this kind of copy; left out, it is checked as it stands.",
    )
    fields = JSONObject(  # type: ignore[assignment]
        required=False, help_text="A brief's answers, as the kind's `fields_schema` says."
    )
    brand = TenantRelatedField(queryset=Brand.objects, required=False)
    audience = TenantRelatedField(queryset=Audience.objects, required=False)
    language = ChoiceField(choices=LANGUAGES, default="en")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "kind" in attrs and "fields" in attrs:
            attrs["fields"] = clean_fields(attrs["kind"], attrs["fields"])
        return attrs


class FindingSerializer(serializers.Serializer[Any]):
    """One finding; `from` and `until` count characters of the text."""

    until = serializers.IntegerField()
    service = serializers.CharField(help_text="What found it, such as `negation_lost`.")
    severity = serializers.ChoiceField(choices=["error", "warning"])
    part = serializers.CharField(help_text="The part of the copy, such as `headlines.2`.")
    suggestions = serializers.ListField(child=serializers.CharField())
    description = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        # A name that Python keeps for itself.
        return {"from": serializers.IntegerField(), **super().get_fields()}


class CheckSerializer(serializers.Serializer[Any]):
    """All findings on a text; none where it says what the brief says."""

    issues = FindingSerializer(many=True)


class CheckView(ApiView):
    """Check any text against a brand, and against a brief's facts where they are given.

    It costs nothing and stores nothing.
    """

    tag = "checks"

    @extend_schema(
        request=CheckRequestSerializer,
        responses=CheckSerializer,
        examples=[EXAMPLE],
        operation_id="check_create",
    )
    def post(self, request: Request) -> Response:
        """Find what a text invents, turns, leaves out or may not say."""
        asked = CheckRequestSerializer(data=request.data, context={"request": request})
        asked.is_valid(raise_exception=True)
        return Response({"issues": text_check(**asked.validated_data)})
