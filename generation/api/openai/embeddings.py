"""POST /v1/embeddings: a vector for each text, from the packaged encoder on a worker."""

import base64
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from generation.api.openai.answering import JobView, comes_back
from generation.api.openai.responses import JobWait, succeeded
from generation.engine.types import MAX_PROMPT_CHARS
from generation.serving.job_kinds import EMBED, ENCODERS
from saas.api.fields import CharField, ChoiceField, IntegerField
from saas.api.serializers import StrictSerializer
from tenants.idempotency.api import idempotent
from tenants.jobs.models import Job
from tenants.jobs.readers import reader_token
from tenants.jobs.services import job_request
from training.errors import ModelNotFound

MOST_TEXTS = 256
TEXT = {"type": "string", "minLength": 1, "maxLength": MAX_PROMPT_CHARS}


@extend_schema_field(
    {"oneOf": [TEXT, {"type": "array", "minItems": 1, "maxItems": MOST_TEXTS, "items": TEXT}]}
)
class TextsField(serializers.Field):  # type: ignore[type-arg]
    """One text or several."""

    def to_internal_value(self, data: Any) -> list[str]:
        texts = [data] if isinstance(data, str) else data
        if not isinstance(texts, list) or not 0 < len(texts) <= MOST_TEXTS:
            raise serializers.ValidationError(
                _("A text, or 1 to %d of them.") % MOST_TEXTS, code="invalid"
            )
        if not all(isinstance(text, str) and text.strip() for text in texts):
            raise serializers.ValidationError(
                _("Each is text with something in it; tokens by their numbers are not taken."),
                code="invalid",
            )
        if sum(map(len, texts)) > MAX_PROMPT_CHARS:
            raise serializers.ValidationError(
                _("At most %d characters in all.") % MAX_PROMPT_CHARS, code="invalid"
            )
        return texts


class EmbeddingSerializer(StrictSerializer):
    """Texts that vectors are wanted for."""

    model = CharField(max_length=200)
    input = TextsField()
    encoding_format = ChoiceField(choices=["float", "base64"], allow_null=True, default=None)
    dimensions = IntegerField(min_value=1, allow_null=True, default=None)
    user = CharField(max_length=256, allow_null=True, allow_blank=True, default=None)


VECTOR = {"oneOf": [{"type": "array", "items": {"type": "number"}}, {"type": "string"}]}
EMBEDDINGS = {
    "type": "object",
    "required": ["object", "data", "model", "usage"],
    "properties": {
        "object": {"const": "list"},
        "model": {"type": "string"},
        "data": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "object": {"const": "embedding"},
                    "index": {"type": "integer"},
                    "embedding": VECTOR,
                },
            },
        },
        "usage": {
            "type": "object",
            "properties": {
                "prompt_tokens": {"type": "integer"},
                "total_tokens": {"type": "integer"},
            },
        },
    },
}


@extend_schema_view(
    post=extend_schema(
        operation_id="openai_embeddings", request=EmbeddingSerializer, responses={200: EMBEDDINGS}
    )
)
class EmbeddingView(JobView):
    """Turns texts into vectors that are near each other where the texts are alike."""

    @idempotent()
    def post(self, request: Request) -> Response:
        asked = EmbeddingSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        size = ENCODERS.get(given["model"])
        if size is None:
            names = ", ".join(ENCODERS)
            raise ModelNotFound(_("Texts are turned into vectors by: %s.") % names)
        if given["dimensions"] not in (None, size):
            detail = _("This model's vectors have %d dimensions.") % size
            raise serializers.ValidationError({"dimensions": [detail]}, code="invalid")
        payload: dict[str, Any] = {"texts": given["input"], "model": given["model"]}
        if not comes_back(request):
            payload["reader"] = reader_token()
        most = sum(len(text.encode()) for text in given["input"]) + 2 * len(given["input"])
        job = job_request(kind=EMBED, payload=payload, estimate={"embedded_tokens": most})
        plan = {"job": str(job.pk), "base64": given["encoding_format"] == "base64"}
        return Response(plan, HTTPStatus.ACCEPTED)

    @classmethod
    async def respond(
        cls, request: HttpRequest, plan: dict[str, Any], job: Job
    ) -> HttpResponseBase:
        done = succeeded(await JobWait(request, job).finished())
        return JsonResponse(embeddings(done, as_text=plan["base64"]))


def embeddings(job: Job, *, as_text: bool) -> dict[str, Any]:
    """The finished job as OpenAI's clients read it; vectors as numbers or as base64 of float32."""
    tokens, size = job.result["embedded_tokens"], 4 * job.result["size"]
    packed = base64.b64decode(job.result["vectors"])
    rows = [packed[start : start + size] for start in range(0, len(packed), size)]
    return {
        "object": "list",
        "data": [
            {
                "object": "embedding",
                "index": index,
                "embedding": base64.b64encode(row).decode() if as_text else numbers(row),
            }
            for index, row in enumerate(rows)
        ],
        "model": job.payload["model"],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def numbers(row: bytes) -> list[float]:
    """Little-endian float32 as numbers."""
    return list(memoryview(row).cast("f"))
