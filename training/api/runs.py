"""Training runs over the API: estimate, start, watch, cancel."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from saas.api.fields import CharField, ChoiceField, TenantRelatedField
from saas.api.pagination import PARAMETERS
from saas.api.serializers import StrictModelSerializer, StrictSerializer
from tenants.api import TenantViewSet
from tenants.idempotency.api import idempotent
from tenants.validators import name_check
from training.models import Dataset, TrainingEvent, TrainingRun
from training.recipes import recipe_of
from training.services.runs import (
    run_cancel,
    run_estimate,
    run_pause,
    run_request,
    run_resume,
)
from training.words import event_words

EFFORTS = TrainingRun.Effort


class RunSerializer(StrictModelSerializer):
    """One attempt to teach the workspace's model."""

    state = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()

    class Meta:
        model = TrainingRun
        fields = (
            *("id", "name", "dataset", "version", "effort", "recipe", "job", "state", "progress"),
            *("losses", "validations", "samples", "evaluation", "estimated_seconds", "seconds"),
            *("tokens", "model", "created_at", "updated_at"),
        )
        read_only_fields = fields

    @extend_schema_field({"type": "string"})
    def get_state(self, run: TrainingRun) -> str:
        return run.state

    @extend_schema_field({"type": "integer"})
    def get_progress(self, run: TrainingRun) -> int:
        return int(run.job.progress) if run.job else 0


class RunRequestSerializer(StrictSerializer):
    """What to learn from, and how thoroughly; `recipe` changes single settings."""

    dataset = TenantRelatedField(queryset=Dataset.objects)
    name = CharField(max_length=80, validators=[name_check], required=False)
    effort = ChoiceField(choices=EFFORTS.choices, default=EFFORTS.BALANCED)
    recipe = serializers.DictField(default=dict)


class EstimateSerializer(serializers.Serializer[Any]):
    """What a run will take."""

    rows = serializers.IntegerField()
    seconds = serializers.IntegerField()
    cost = serializers.IntegerField(help_text="Micro-credits, as estimated.")
    most = serializers.IntegerField(help_text="Micro-credits that are reserved.")


class EventSerializer(StrictModelSerializer):
    """One thing that happened in a run."""

    message = serializers.SerializerMethodField()

    class Meta:
        model = TrainingEvent
        fields = ("id", "code", "message", "data", "created_at")
        read_only_fields = fields

    @extend_schema_field({"type": "string"})
    def get_message(self, event: TrainingEvent) -> str:
        return event_words(event)


class TrainingRunViewSet(TenantViewSet):
    """Runs, newest first."""

    model = TrainingRun
    serializer_class = RunSerializer
    tag = "training"
    related = ("job",)
    role = "admin"
    orders = ()

    @extend_schema(request=RunRequestSerializer, responses={202: RunSerializer})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Teach a model. Its job tells how far it is; its `model` is what came of it."""
        given = asked_of(request)
        dataset = given["dataset"]
        run = run_request(
            dataset=dataset,
            name=given.get("name") or dataset.name,
            effort=given["effort"],
            changes=given["recipe"],
        )
        return self.shown(run, status.HTTP_202_ACCEPTED)

    @extend_schema(request=RunRequestSerializer, responses={200: EstimateSerializer}, filters=False)
    @action(detail=False, methods=["post"])
    def estimate(self, request: Request) -> Response:
        """What a run would take; nothing is started."""
        given = asked_of(request)
        recipe = recipe_of(given["dataset"], given["effort"], given["recipe"])
        found = run_estimate(dataset=given["dataset"], recipe=recipe)
        return Response(EstimateSerializer(found).data)

    @extend_schema(request=None, responses={200: RunSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Stop the training; the seconds until then are charged."""
        return self.shown(run_cancel(run=self.get_object()))

    @extend_schema(request=None, responses={200: RunSerializer})
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Stop after the step that it is at; the seconds until then are charged."""
        return self.shown(run_pause(run=self.get_object()))

    @extend_schema(request=None, responses={200: RunSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Let a paused run go on from where it was."""
        return self.shown(run_resume(run=self.get_object()))

    @extend_schema(responses=EventSerializer(many=True), filters=False)
    @action(detail=True, serializer_class=EventSerializer, parameters=PARAMETERS, orders=())
    def events(self, request: Request, pk: str) -> Response:
        """What has happened in the run, newest first."""
        page = self.paginate_queryset(self.get_object().events.all())
        return self.get_paginated_response(EventSerializer(page, many=True).data)


def asked_of(request: Request) -> dict[str, Any]:
    asked = RunRequestSerializer(data=request.data)
    asked.is_valid(raise_exception=True)
    found: dict[str, Any] = asked.validated_data
    return found
