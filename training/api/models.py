"""Model versions: bring an adapter, make it live, step back, hold, delete."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from saas.api.fields import BooleanField, CharField, IntegerField, TenantRelatedField
from saas.api.parsers import StrictMultiPartParser
from saas.api.serializers import StrictModelSerializer, StrictSerializer
from saas.errors import BatchTooLarge, Invalid
from tenants.api import TenantViewSet
from tenants.idempotency.api import idempotent
from tenants.validators import name_check
from training import base_model, services
from training.api.aliases import AliasActions
from training.datasets.tasks import LONGEST_TEXT
from training.errors import TextTooLong
from training.models import Dataset, ModelSwitch, ModelVersion
from training.services import Upload
from training.services.predictions import predict, version_named

LIVE = OpenApiExample(
    "What is live now",
    response_only=True,
    value={
        "number": 3,
        "version": "0197f3c2-6a51-7d0e-9c41-5f0c7d1e2a3b",
        "dataset": None,
        "stepped_back": False,
        "created_at": "2026-11-22T09:30:00Z",
    },
)
SORTED = OpenApiExample(
    "A text that was sorted",
    response_only=True,
    value={
        "model": 3,
        "task": "classification",
        "predictions": [
            {
                "label": "lost_card",
                "labels": ["lost_card"],
                "probability": 0.94,
                "abstained": False,
                "probabilities": {"lost_card": 0.94, "card_swallowed": 0.03},
            }
        ],
    },
)
NAMED = OpenApiParameter("id", str, OpenApiParameter.PATH, description="Id, number or champion.")
MOST_TEXTS, MOST_EXPLAINED = 1_000, 10
UPLOAD = OpenApiExample(
    "An adapter as PEFT saves it",
    request_only=True,
    media_type="multipart/form-data",
    value={
        "name": "Autumn voice",
        "note": "Trained on our last forty newsletters",
        "weights": "adapter_model.safetensors",
        "config": "adapter_config.json",
    },
)


class ModelVersionSerializer(StrictModelSerializer):
    """A version of the workspace's model: an adapter that writes, or a head with labels.

    `card` is what it was taught with, its recipe, and how good it was; empty for one that was
    brought. A head is live for its `dataset`.
    """

    live = serializers.SerializerMethodField(help_text="Whether it writes what is asked for now.")
    warnings = serializers.SerializerMethodField(
        help_text="What may be wrong with it, such as a base of another name."
    )
    aliases: Any = serializers.SlugRelatedField(slug_field="name", many=True, read_only=True)

    class Meta:
        model = ModelVersion
        fields = (
            *("id", "number", "task", "method", "name", "note", "state", "live", "aliases"),
            "warnings",
            *("sha256", "base_sha256", "base_name", "rank", "size", "dataset", "dataset_version"),
            *("parent", "card", "created_at", "updated_at"),
        )
        read_only_fields = fields

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_warnings(self, version: ModelVersion) -> list[str]:
        base = self.context["base"]
        fits = base is not None and version.writes and version.base_sha256 == base.sha256
        return base_model.doubts(version.base_name, base) if fits else []

    @extend_schema_field({"type": "boolean"})
    def get_live(self, version: ModelVersion) -> bool:
        return version.pk in self.context["live"]


class ModelImportSerializer(StrictSerializer):
    """The two files that PEFT's `save_pretrained` writes, and what to call them."""

    name = CharField(max_length=80, validators=[name_check])
    note = CharField(max_length=500, allow_blank=True, default="")
    weights = serializers.FileField(help_text="adapter_model.safetensors")
    config = serializers.FileField(help_text="adapter_config.json", allow_empty_file=True)


class PromoteSerializer(StrictSerializer):
    """Why a model goes live that has not won; it stands in the audit log."""

    reason = CharField(max_length=300, required=False, default="")


class PlaceSerializer(StrictSerializer):
    """Among whose models: those that were taught with a dataset, or else those that write."""

    dataset = TenantRelatedField(queryset=Dataset.objects, required=False)


class SwitchSerializer(StrictModelSerializer):
    """A choice of what to write with; without a version it is the bare base."""

    class Meta:
        model = ModelSwitch
        fields = ("number", "version", "dataset", "stepped_back", "created_at")
        read_only_fields = fields


class PredictSerializer(StrictSerializer):
    """One `text`, or up to 1,000 `texts`."""

    text = CharField(required=False)
    texts = serializers.ListField(child=CharField(), required=False, allow_empty=False)
    top = IntegerField(
        min_value=1, max_value=500, default=5, help_text="How many labels are told of each text."
    )
    explain = BooleanField(
        default=False, help_text="Also what each word does for the label; of at most 10 texts."
    )

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if ("text" in given) == ("texts" in given):
            raise one_of_both()
        texts = given.pop("texts", None) or [given.pop("text")]
        if len(texts) > MOST_TEXTS:
            raise BatchTooLarge(limit=MOST_TEXTS)
        if max(map(len, texts)) > LONGEST_TEXT:
            raise TextTooLong(limit=LONGEST_TEXT)
        if given["explain"] and len(texts) > MOST_EXPLAINED:
            raise too_many_to_explain()
        return {**given, "texts": texts}


def one_of_both() -> Invalid:
    detail = _("Give either “text” or “texts”.")
    return Invalid(errors=[{"pointer": "/text", "code": "required", "detail": detail}])


def too_many_to_explain() -> Invalid:
    detail = _("At most %d texts are explained at once.") % MOST_EXPLAINED
    return Invalid(errors=[{"pointer": "/explain", "code": "max_value", "detail": detail}])


class WordSerializer(serializers.Serializer[Any]):
    """A word of the text, and what it adds to the label's log-odds."""

    start = serializers.IntegerField()
    end = serializers.IntegerField()
    text = serializers.CharField()
    weight = serializers.FloatField()


class ExplanationSerializer(serializers.Serializer[Any]):
    """What each word did for the label; `faithfulness` above 0 means that it can be believed."""

    label = serializers.CharField()  # type: ignore[assignment]
    words = WordSerializer(many=True)
    faithfulness = serializers.FloatField()


class EntitySerializer(serializers.Serializer[Any]):
    """A place that was found: characters from `start` up to `end`."""

    label = serializers.CharField()  # type: ignore[assignment]
    text = serializers.CharField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    probability = serializers.FloatField()


class PredictionSerializer(serializers.Serializer[Any]):
    """Of one text: a label from one that sorts, entities from one that finds things.

    `abstained` says that the model is not sure enough: the text may have none of its labels.
    """

    label = serializers.CharField(required=False)  # type: ignore[assignment]
    labels = serializers.ListField(child=serializers.CharField(), required=False)
    probability = serializers.FloatField(required=False)
    abstained = serializers.BooleanField(required=False)
    probabilities = serializers.DictField(child=serializers.FloatField(), required=False)
    explanation = ExplanationSerializer(required=False)
    entities = EntitySerializer(many=True, required=False)


class PredictionsSerializer(serializers.Serializer[Any]):
    """The predictions in the order of the texts, and the number of the model that made them."""

    model = serializers.IntegerField()
    task = serializers.CharField()
    predictions = PredictionSerializer(many=True)


class ModelViewSet(AliasActions, TenantViewSet):
    """The versions of the workspace's model. One of them, or the bare base, is live.

    To change anything, the key must act with the role of an admin or owner.
    """

    role = "admin"

    model = ModelVersion
    serializer_class = ModelVersionSerializer
    orders = ("number",)
    related = ("aliases",)
    problems = (507,)

    def get_parsers(self) -> list[Any]:
        posting = self.request is not None and self.request.method == "POST"
        makes = posting and getattr(self, "action_map", {}).get("post") == "create"
        return [StrictMultiPartParser()] if makes else super().get_parsers()

    def get_serializer_context(self) -> dict[str, Any]:
        fake = getattr(self, "swagger_fake_view", False)
        lives = {} if fake else ModelSwitch.objects.live()
        live = {switch.version_id for switch in lives.values()}
        base = None if fake else base_model.known()
        return {**super().get_serializer_context(), "live": live, "base": base}

    @extend_schema(
        request={"multipart/form-data": ModelImportSerializer},
        responses={201: ModelVersionSerializer},
        examples=[UPLOAD],
    )
    @idempotent()
    def create(self, request: Request) -> Response:
        asked = ModelImportSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        upload = Upload(**asked.validated_data)
        version = services.version_import(upload=upload)
        answer = self.shown(version, status.HTTP_201_CREATED)
        answer["Location"] = f"{request.path_info.rstrip('/')}/{version.pk}/"
        return answer

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        services.version_erase(version=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=PromoteSerializer, responses={200: ModelVersionSerializer})
    @action(detail=True, methods=["post"])
    @idempotent()
    def promote(self, request: Request, pk: str) -> Response:
        """Make it live: all that is asked for from now on is done with it.

        One that was measured and has not won needs the role of an owner, and a `reason`.
        """
        asked = PromoteSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return self._after(partial(services.version_promote, **asked.validated_data))

    @extend_schema(request=None, responses={200: ModelVersionSerializer})
    @action(detail=True, methods=["post"])
    @idempotent()
    def quarantine(self, request: Request, pk: str) -> Response:
        """Put it on hold: nothing is written with it, waiting work included."""
        return self._after(services.version_quarantine)

    @extend_schema(request=None, responses={200: ModelVersionSerializer})
    @action(detail=True, methods=["post"])
    @idempotent()
    def resume(self, request: Request, pk: str) -> Response:
        """Take it off hold."""
        return self._after(services.version_resume)

    def _after(self, service: Callable[..., Any]) -> Response:
        service(version=self.get_object())
        return self.shown(self.get_object())

    @extend_schema(
        request=PlaceSerializer, responses={200: SwitchSerializer}, examples=[LIVE], filters=False
    )
    @action(detail=False, methods=["post"])
    @idempotent()
    def rollback(self, request: Request) -> Response:
        """Go back to what was live before; again, and it goes one step further."""
        asked = PlaceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        place = asked.validated_data.get("dataset")
        return Response(SwitchSerializer(services.version_rollback(place=place)).data)

    @extend_schema(
        request=PredictSerializer,
        responses={200: PredictionsSerializer},
        examples=[SORTED],
        parameters=[NAMED],
    )
    @action(detail=True, methods=["post"], scope="read", role="editor", problems=(402, 503))
    def predict(self, request: Request, pk: str) -> Response:
        """Sort texts, or find things in them. The address takes the model's id or its number, and
        `{dataset}@champion` for the one that is live for a dataset, by that one's id or name.
        """
        version = version_named(pk)
        asked = PredictSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        found = predict(version=version, **asked.validated_data)
        return Response({"model": version.number, "task": version.task, "predictions": found})

    @extend_schema(request=None, responses={200: SwitchSerializer}, examples=[LIVE], filters=False)
    @action(detail=False, methods=["post"])
    @idempotent()
    def reset(self, request: Request) -> Response:
        """Write with the bare base model from now on."""
        switch = services.version_promote(version=None)
        return Response(SwitchSerializer(switch).data)
