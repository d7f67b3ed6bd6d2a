"""Model versions: bring an adapter, make it live, step back, hold, delete."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from saas.api.fields import CharField
from saas.api.parsers import StrictMultiPartParser
from saas.api.serializers import StrictModelSerializer, StrictSerializer
from tenants.api import TenantViewSet
from tenants.idempotency.api import idempotent
from tenants.validators import name_check
from training import services
from training.models import ModelSwitch, ModelVersion
from training.services import Upload

LIVE = OpenApiExample(
    "What is live now",
    response_only=True,
    value={
        "number": 3,
        "version": "0197f3c2-6a51-7d0e-9c41-5f0c7d1e2a3b",
        "stepped_back": False,
        "created_at": "2026-11-22T09:30:00Z",
    },
)
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
    """A version of the workspace's model."""

    live = serializers.SerializerMethodField(help_text="Whether it writes what is asked for now.")

    class Meta:
        model = ModelVersion
        fields = (
            *("id", "number", "name", "note", "state", "live", "sha256", "base_sha256"),
            *("base_name", "rank", "size", "created_at", "updated_at"),
        )
        read_only_fields = fields

    @extend_schema_field({"type": "boolean"})
    def get_live(self, version: ModelVersion) -> bool:
        return bool(version.pk == self.context["live"])


class ModelImportSerializer(StrictSerializer):
    """The two files that PEFT's `save_pretrained` writes, and what to call them."""

    name = CharField(max_length=80, validators=[name_check])
    note = CharField(max_length=500, allow_blank=True, default="")
    weights = serializers.FileField(help_text="adapter_model.safetensors")
    config = serializers.FileField(help_text="adapter_config.json", allow_empty_file=True)


class SwitchSerializer(StrictModelSerializer):
    """A choice of what to write with; without a version it is the bare base."""

    class Meta:
        model = ModelSwitch
        fields = ("number", "version", "stepped_back", "created_at")
        read_only_fields = fields


class ModelViewSet(TenantViewSet):
    """The versions of the workspace's model. One of them, or the bare base, is live.

    To change anything, the key must act with the role of an admin or owner.
    """

    role = "admin"

    model = ModelVersion
    serializer_class = ModelVersionSerializer
    orders = ("number",)
    problems = (507,)

    def get_parsers(self) -> list[Any]:
        posting = self.request is not None and self.request.method == "POST"
        makes = posting and getattr(self, "action_map", {}).get("post") == "create"
        return [StrictMultiPartParser()] if makes else super().get_parsers()

    def get_serializer_context(self) -> dict[str, Any]:
        fake = getattr(self, "swagger_fake_view", False)
        live = None if fake else services.live_version()
        return {**super().get_serializer_context(), "live": live.pk if live else None}

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

    @extend_schema(request=None, responses={200: ModelVersionSerializer})
    @action(detail=True, methods=["post"])
    @idempotent()
    def promote(self, request: Request, pk: str) -> Response:
        """Make it live: all that is asked for from now on is written with it."""
        return self._after(services.version_promote)

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

    @extend_schema(request=None, responses={200: SwitchSerializer}, examples=[LIVE], filters=False)
    @action(detail=False, methods=["post"])
    @idempotent()
    def rollback(self, request: Request) -> Response:
        """Go back to what was live before; again, and it goes one step further."""
        return Response(SwitchSerializer(services.version_rollback()).data)

    @extend_schema(request=None, responses={200: SwitchSerializer}, examples=[LIVE], filters=False)
    @action(detail=False, methods=["post"])
    @idempotent()
    def reset(self, request: Request) -> Response:
        """Write with the bare base model from now on."""
        switch = services.version_promote(version=None)
        return Response(SwitchSerializer(switch).data)
