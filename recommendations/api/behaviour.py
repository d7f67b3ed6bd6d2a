"""Events in, answers out."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from recommendations.api.base import LARGE_BODY, MOST_EVENTS, many
from recommendations.api.events import Clock, Wrong, event_of
from recommendations.api.serializers import (
    AnswerSerializer,
    InteractionSerializer,
    NextSerializer,
    QuestionSerializer,
    RecordedSerializer,
)
from recommendations.errors import QuestionInvalid
from recommendations.models import Item, Person, Scenario
from recommendations.services.answers import Answer, Ask, recommend, recommend_next
from recommendations.services.catalogue import persons_write
from recommendations.services.interactions import EventData, Recorded, interactions_record
from saas.api.views import ApiView
from saas.errors import Invalid

# What a question may set for itself alone.
OWN = ("filter", "booster", "diversity", "rotation_rate", "min_relevance")
MOST_REJECTED = 100
STRICT = OpenApiParameter(
    "strict", bool, description="Refuse events of items that the catalogue does not have."
)
HISTORICAL = OpenApiParameter(
    "historical", bool, description="Take events that are older than 35 days."
)


class InteractionView(ApiView):
    """What visitors do. The next answer counts it already."""

    essential = True
    tag = "recommendations"
    max_body = LARGE_BODY
    parameters = ("strict", "historical")

    @extend_schema(
        request=InteractionSerializer,
        responses={202: RecordedSerializer},
        parameters=[STRICT, HISTORICAL],
        operation_id="interactions_create",
    )
    def post(self, request: Request) -> Response:
        """Send an event, or up to 10,000 as a list. The same event twice counts once."""
        rows, listed = many(request.data, MOST_EVENTS)
        events, rejected = read(rows, request)
        if rejected and not listed:
            raise refused(rejected[0])
        if request.query_params.get("strict") == "true":
            events, unknown = known_only(events)
            rejected += unknown
            if unknown and not listed:
                raise refused(unknown[0])
        report = interactions_record(events=events) if events else Recorded()
        found = {
            "accepted": report.accepted,
            "duplicates": report.duplicates,
            "unknown_entity": report.unknown,
            "rejected": rejected[:MOST_REJECTED],
        }
        code = status.HTTP_200_OK if rejected else status.HTTP_202_ACCEPTED
        return Response(found, status=code)


def read(rows: list[Any], request: Request) -> tuple[list[EventData], list[dict[str, Any]]]:
    """The events that can be taken, and the others with their places."""
    clock = Clock(timezone.now(), request.query_params.get("historical") == "true")
    events, rejected = [], []
    for index, row in enumerate(rows):
        try:
            events.append(event_of(row, clock))
        except Wrong as error:
            rejected.append({"index": index, **error.problem()})
    return events, rejected


def known_only(events: list[EventData]) -> tuple[list[EventData], list[dict[str, Any]]]:
    """Events of items that are there, and a refusal for each of the others."""
    known = Item.objects.keyed({event.item for event in events})
    detail = _("There is no such item.")
    refusal = {"pointer": "/item", "code": "unknown_entity", "detail": detail}
    rejected = [
        {"index": index, **refusal} for index, event in enumerate(events) if event.item not in known
    ]
    return [event for event in events if event.item in known], rejected


def refused(problem: dict[str, Any]) -> Invalid:
    known = {name: problem[name] for name in ("pointer", "code", "detail")}
    return Invalid(errors=[known])


class RecommendationView(ApiView):
    """What to show to whom."""

    essential = True
    tag = "recommendations"
    scope = "read"

    @extend_schema(
        request=QuestionSerializer,
        responses={200: AnswerSerializer},
        operation_id="recommendations_create",
    )
    def post(self, request: Request) -> Response:
        """Ask for items for a person, a session or an item, or for a person at an item."""
        asked = QuestionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        answer = recommend(ask=ask_of(given))
        return Response(shown(answer, given["return_properties"], given["explain"]))


class NextView(ApiView):
    """More of an answer."""

    essential = True
    tag = "recommendations"
    scope = "read"
    problems = (410,)

    @extend_schema(
        request=NextSerializer,
        responses={200: AnswerSerializer},
        operation_id="recommendations_next",
    )
    def post(self, request: Request, recomm_id: Any) -> Response:
        """The next page: none of its items was in an earlier one."""
        asked = NextSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        answer = recommend_next(recomm_id=recomm_id, count=asked.validated_data["count"])
        return Response(shown(answer, properties=False, explain=False))


def ask_of(given: dict[str, Any]) -> Ask:
    """The question with its rows; raises QuestionInvalid or Invalid."""
    if not any(given.get(name) for name in ("person", "session", "item")):
        detail = _("Say for whom: give “person”, “session” or “item”.")
        problem = {"pointer": "/person", "code": "required", "detail": detail}
        raise QuestionInvalid(detail, errors=[problem])
    return Ask(
        count=given["count"],
        person=person_named(given.get("person", "")),
        session=given.get("session", ""),
        item=item_named(given.get("item", "")),
        scenario=scenario_named(given.get("scenario", "")),
        own={name: given[name] for name in OWN if name in given},
        explain=given["explain"],
        metered=True,
    )


def person_named(key: str) -> Person | None:
    """The person, made where they are new: the answer is logged for them."""
    if not key:
        return None
    known = Person.objects.select_related("merged_into").filter(key=key).first()
    if known is None:
        persons_write(persons={key: {}})
        known = Person.objects.get(key=key)
    return known.merged_into or known


def item_named(key: str) -> Item | None:
    if not key:
        return None
    item: Item | None = Item.objects.filter(key=key).first()
    if item is None:
        raise missing("item", _("There is no such item."))
    return item


def scenario_named(key: str) -> Scenario | None:
    if not key:
        return None
    scenario: Scenario | None = Scenario.objects.filter(key=key).first()
    if scenario is None:
        raise missing("scenario", _("There is no such scenario."))
    return scenario


def missing(name: str, detail: str) -> Invalid:
    return Invalid(errors=[{"pointer": f"/{name}", "code": "does_not_exist", "detail": detail}])


def shown(answer: Answer, properties: bool, explain: bool) -> dict[str, Any]:
    """The answer as it is sent."""
    found: dict[str, Any] = {"recomm_id": str(answer.recommendation.pk), "items": []}
    for each in answer.shown:
        row: dict[str, Any] = {"id": each.item.key, "score": round(each.score, 6)}
        if properties:
            row["properties"] = each.item.properties()
        if explain:
            row["why"] = {
                "text": each.why,
                "source": each.source,
                "contributions": each.contributions,
            }
        found["items"].append(row)
    return found | ({"reason": answer.reason} if answer.reason else {})
