"""Whom an item suits, which segments suit somebody, and search that is ranked for who asks."""

from typing import Any

from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recommendations.api.behaviour import ask_of, item_named, shown
from recommendations.api.serializers import (
    MOST_ITEMS,
    AnswerSerializer,
    QuestionSerializer,
    key_field,
)
from recommendations.services.audience import persons_for_item
from recommendations.services.search import search_items
from recommendations.services.segments import TAGS, TYPE, segments_for
from saas.api.fields import CharField, ChoiceField, IntegerField
from saas.api.serializers import StrictSerializer
from saas.api.views import ApiView
from tenants.billing.readings import record, require_credits


class PersonsForItemSerializer(StrictSerializer):
    """The item, and how many people."""

    item = key_field()
    count = IntegerField(min_value=1, max_value=MOST_ITEMS, default=10)


class ScoredSerializer(serializers.Serializer[Any]):
    """A person or a segment, and how well they fit, from 0 to 1 of the best."""

    id = serializers.CharField()
    score = serializers.FloatField()


class PersonsAnswerSerializer(serializers.Serializer[Any]):
    persons = ScoredSerializer(many=True)


class SegmentsQuestionSerializer(QuestionSerializer):
    """For whom, and whether tags or types are wanted."""

    by = ChoiceField(choices=[(TAGS, TAGS), (TYPE, TYPE)], default=TAGS)


class SegmentsAnswerSerializer(serializers.Serializer[Any]):
    recomm_id = serializers.UUIDField()
    segments = ScoredSerializer(many=True)


class SearchSerializer(QuestionSerializer):
    """What is searched for, and for whom."""

    query = CharField(max_length=300, help_text=gettext_lazy("Words of the title, text or tags."))


class PersonsForItemView(ApiView):
    """People for an item."""

    tag = "recommendations"
    scope = "read"

    @extend_schema(
        request=PersonsForItemSerializer,
        responses={200: PersonsAnswerSerializer},
        operation_id="recommendations_persons",
    )
    def post(self, request: Request) -> Response:
        """Ask whom an item suits, by what people did lately."""
        asked = PersonsForItemSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        require_credits()
        item = item_named(given["item"])
        assert item is not None
        found = persons_for_item(item=item, count=given["count"])
        record("recommendations")
        rows = [{"id": each.person.key, "score": round(each.score, 6)} for each in found]
        return Response({"persons": rows})


class SegmentsView(ApiView):
    """Segments for somebody."""

    tag = "recommendations"
    scope = "read"

    @extend_schema(
        request=SegmentsQuestionSerializer,
        responses={200: SegmentsAnswerSerializer},
        operation_id="recommendations_segments",
    )
    def post(self, request: Request) -> Response:
        """Ask which tags or types suit somebody, by the items that do."""
        asked = SegmentsQuestionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given: Any = asked.validated_data
        answer, found = segments_for(ask=ask_of(given), by=given["by"])
        rows = [{"id": each.name, "score": round(each.score, 6)} for each in found]
        return Response({"recomm_id": str(answer.recommendation.pk), "segments": rows})


class SearchView(ApiView):
    """Search, ranked for who asks."""

    tag = "recommendations"
    scope = "read"

    @extend_schema(
        request=SearchSerializer,
        responses={200: AnswerSerializer},
        operation_id="recommendations_search",
    )
    def post(self, request: Request) -> Response:
        """Search the catalogue; of items that match alike, what suits the person comes first."""
        asked = SearchSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given: Any = asked.validated_data
        answer = search_items(query=given["query"], ask=ask_of(given))
        return Response(shown(answer, given["return_properties"], given["explain"]))
