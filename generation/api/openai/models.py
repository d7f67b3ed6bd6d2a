"""The models that a workspace can ask for."""

from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from saas.api.views import ApiView
from saas.errors import NotFound

RELEASED = 1730419200


@dataclass(frozen=True, slots=True)
class Model:
    """A model as OpenAI's clients list it."""

    id: str
    object: str = "model"
    created: int = RELEASED
    owned_by: str = "kindling"


# What a workspace writes with, whatever that is today: a name that clients need not change.
OWN = "kindling"


def available() -> list[Model]:
    """The workspace's own, and the base by the name of its folder or of the server's model."""
    served = {"openai": settings.ENGINE_OPTIONS.get("model"), "echo": "echo"}
    base = str(served.get(settings.ENGINE) or Path(settings.BASE_MODEL).name)
    return [Model(OWN), Model(base)]


def find(name: str) -> Model:
    """The model of this name; raises NotFound as OpenAI does."""
    for model in available():
        if model.id == name:
            return model
    raise NotFound(_("There is no model “%s”.") % name[:80], code="model_not_found")


class ModelSerializer(serializers.Serializer[Model]):
    """One model."""

    id = serializers.CharField()
    object = serializers.CharField()
    created = serializers.IntegerField()
    owned_by = serializers.CharField()


class ModelListSerializer(serializers.Serializer[dict[str, object]]):
    """All models."""

    object = serializers.CharField()
    data = ModelSerializer(many=True)  # type: ignore[assignment]


class ModelList(ApiView):
    """The models that can be asked for."""

    tag = "openai"

    @extend_schema(responses=ModelListSerializer, operation_id="openai_models_list")
    def get(self, request: Request) -> Response:
        return Response({"object": "list", "data": [asdict(model) for model in available()]})


class ModelDetail(ApiView):
    """One model."""

    tag = "openai"

    @extend_schema(responses=ModelSerializer, operation_id="openai_models_retrieve")
    def get(self, request: Request, name: str) -> Response:
        return Response(asdict(find(name)))
