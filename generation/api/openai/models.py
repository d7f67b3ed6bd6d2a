"""The models that a workspace can ask for."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.text import slugify
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from generation.models import Brand
from generation.serving.job_kinds import ENCODERS
from generation.serving.routing import (
    ModelChoice,
    choice_of,
    customer_endpoint,
    echo_for_tests,
    resolve_model,
)
from saas.api.views import ApiView
from training.errors import BaseMismatch, ModelNotFound
from training.models import ModelAlias, ModelVersion
from training.names import OWN, name_of, version_named
from training.services import usable

RELEASED = 1730419200


@dataclass(frozen=True, slots=True)
class Model:
    """A model as OpenAI's clients list it."""

    id: str
    object: str = "model"
    created: int = RELEASED
    owned_by: str = "kindling"
    parent: str | None = None


def base_name() -> str:
    """The base by the name of its folder or of the server's model."""
    served = {"openai": settings.ENGINE_OPTIONS.get("model"), "echo": "echo"}
    return str(served.get(settings.ENGINE) or Path(settings.BASE_MODEL).name)


def available() -> list[Model]:
    """The workspace's own, the base, each version by its number, and what aliases mean now."""
    base = base_name()
    versions = [shown(version, base) for version in ModelVersion.objects.active()]
    voices = [Model(voice_name(brand), parent=base) for brand in Brand.objects.all()]
    aliases = ModelAlias.objects.select_related("version")
    named = [aliased(alias.name, alias.version) for alias in aliases if alias.version.active]
    own = [Model(OWN, parent=base), Model(base), *versions, *named, *voices]
    return [*own, *map(Model, ENCODERS)]


def voice_name(brand: Brand) -> str:
    """The name under which the workspace's model speaks in a brand's voice."""
    return f"{OWN}/{slugify(brand.name, allow_unicode=True)}"


def brand_called(name: str) -> Brand:
    """The brand of this name, or of the short form of it that stands in addresses."""
    wanted = slugify(name, allow_unicode=True)
    for brand in Brand.objects.order_by("created_at"):
        if name == str(brand.pk) or slugify(brand.name, allow_unicode=True) == wanted:
            return brand
    raise ModelNotFound(_("There is no brand “%s”.") % name[:80])


def brand_asked_for(model: str, metadata: dict[str, Any] | None) -> Brand | None:
    """The brand in whose voice to speak: by `kindling/its-name`, or by `metadata.brand`."""
    if model.startswith(f"{OWN}/"):
        return brand_called(model.removeprefix(f"{OWN}/"))
    name = (metadata or {}).get("brand")
    return brand_called(str(name)) if name else None


def shown(version: ModelVersion, base: str) -> Model:
    created = int(version.created_at.timestamp())
    return Model(name_of(version), created=created, parent=base)


def aliased(alias: str, version: ModelVersion) -> Model:
    created = int(version.created_at.timestamp())
    return Model(f"{OWN}@{alias}", created=created, parent=name_of(version))


def find(name: str) -> Model:
    """The model of this name; raises NotFound as OpenAI does."""
    base = base_name()
    if name in ENCODERS:
        return Model(name)
    if name.startswith(f"{OWN}/"):
        return Model(voice_name(brand_called(name.removeprefix(f"{OWN}/"))), parent=base)
    if name in (OWN, base):
        return Model(name, parent=base if name == OWN else None)
    version = version_named(name)
    if version is None:
        return Model(name, parent=base)
    alias = name.partition("@")[2]
    return aliased(alias, version) if alias else shown(version, base)


def chosen(name: str) -> ModelChoice:
    """Who writes under this name. Raises where that cannot be used now."""
    if (echo := echo_for_tests()) and find(name):
        return echo
    if name == OWN or name.startswith(f"{OWN}/"):
        return resolve_model()
    endpoint = customer_endpoint()
    if name == base_name():
        return endpoint or ModelChoice()
    named = version_named(name)
    if named is None:
        return endpoint or ModelChoice()
    version = usable(named)
    if endpoint:
        detail = _("A model server of your own writes now; it takes no adapters.")
        raise BaseMismatch(detail, needed=version.base_sha256, base=None)
    return choice_of(version)


class ModelSerializer(serializers.Serializer[Model]):
    """One model."""

    id = serializers.CharField()
    object = serializers.CharField()
    created = serializers.IntegerField()
    owned_by = serializers.CharField()
    parent = serializers.CharField(  # type: ignore[assignment]
        allow_null=True, help_text="The model that it is made of."
    )


class ModelListSerializer(serializers.Serializer[dict[str, object]]):
    """All models."""

    object = serializers.CharField()
    data = ModelSerializer(many=True)  # type: ignore[assignment]


class ModelList(ApiView):
    """The models that can be asked for."""

    tag = "openai"
    readable_with = ("read", "generate")

    @extend_schema(responses=ModelListSerializer, operation_id="openai_models_list")
    def get(self, request: Request) -> Response:
        return Response({"object": "list", "data": [asdict(model) for model in available()]})


class ModelDetail(ApiView):
    """One model."""

    tag = "openai"
    readable_with = ("read", "generate")

    @extend_schema(responses=ModelSerializer, operation_id="openai_models_retrieve")
    def get(self, request: Request, name: str) -> Response:
        return Response(asdict(find(name)))
