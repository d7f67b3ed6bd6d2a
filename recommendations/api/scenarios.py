"""Scenarios with their versions, experiments, and how well the ranking models do."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from recommendations.api.base import KeyedViewSet
from recommendations.api.behaviour import missing, scenario_named
from recommendations.api.serializers import (
    ExperimentSerializer,
    RankingModelSerializer,
    ReportSerializer,
    ScenarioChangeSerializer,
    ScenarioSerializer,
    StopSerializer,
)
from recommendations.models import Experiment, RankingModel, Scenario
from recommendations.services.experiments import (
    experiment_report,
    experiment_start,
    experiment_stop,
)
from recommendations.services.scenarios import scenario_save, scenario_undo
from recommendations.serving.settings import ScenarioSettings
from saas.errors import AlreadyExists
from tenants.api import TenantViewSet
from tenants.idempotency.api import idempotent


class ScenarioViewSet(KeyedViewSet):
    """The places on your site and how answers are made there."""

    model = Scenario
    serializer_class = ScenarioSerializer
    tag = "recommendations"

    @extend_schema(request=ScenarioSerializer, responses={201: ScenarioSerializer})
    @idempotent()
    def create(self, request: Request) -> Response:
        asked = ScenarioSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = dict(asked.validated_data)
        settings = given.pop("settings", ScenarioSettings())
        try:
            with transaction.atomic():
                made = scenario_save(scenario=Scenario(**given), settings=settings)
        except IntegrityError as error:
            raise AlreadyExists(gettext("Another scenario has this id.")) from error
        return self.shown(made, status.HTTP_201_CREATED)

    @extend_schema(request=ScenarioChangeSerializer, responses={200: ScenarioSerializer})
    def partial_update(self, request: Request, key: str) -> Response:
        scenario = self.get_object()
        asked = ScenarioChangeSerializer(scenario, data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        given = dict(asked.validated_data)
        settings = given.pop("settings", ScenarioSettings.of(scenario.settings))
        scenario.name = given.get("name", scenario.name)
        return self.shown(scenario_save(scenario=scenario, settings=settings))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, key: str) -> Response:
        self.get_object().delete()
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={200: ScenarioSerializer})
    @action(detail=True, methods=["post"])
    @idempotent()
    def undo(self, request: Request, key: str) -> Response:
        """Go back to the settings before these."""
        return self.shown(scenario_undo(scenario=self.get_object()))


class ExperimentViewSet(TenantViewSet):
    """Settings of a scenario that are tried beside each other."""

    model = Experiment
    serializer_class = ExperimentSerializer
    tag = "recommendations"
    related = ("scenario",)

    @extend_schema(request=ExperimentSerializer, responses={201: ExperimentSerializer})
    @idempotent()
    def create(self, request: Request) -> Response:
        asked = ExperimentSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given: Any = asked.validated_data
        scenario = scenario_named(given["scenario"])
        assert scenario is not None
        made = experiment_start(scenario=scenario, name=given["name"], arms=given["arms"])
        return self.shown(made, status.HTTP_201_CREATED)

    @extend_schema(request=StopSerializer, responses={200: ExperimentSerializer})
    @action(detail=True, methods=["post"])
    @idempotent()
    def stop(self, request: Request, pk: str) -> Response:
        """End it. The scenario's own settings hold for everybody again, or those of `keep`."""
        asked = StopSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        experiment = self.get_object()
        keep = asked.validated_data["keep"]
        if keep and keep not in {arm["name"] for arm in experiment.arms}:
            raise missing("keep", gettext("There is no such arm."))
        return self.shown(experiment_stop(experiment=experiment, keep=keep))

    @extend_schema(request=None, responses={200: ReportSerializer})
    @action(detail=True)
    def results(self, request: Request, pk: str) -> Response:
        """How each arm does. Intervals and p values hold however often you look."""
        report = experiment_report(experiment=self.get_object())
        return Response(ReportSerializer(report).data)


class RankingModelViewSet(TenantViewSet):
    """The models that rank, newest first; one of them serves."""

    model = RankingModel
    serializer_class = RankingModelSerializer
    tag = "recommendations"
