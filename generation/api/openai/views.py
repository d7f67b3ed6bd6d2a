"""POST /v1/chat/completions, /v1/completions and /v1/responses: jobs like any other."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Any, ClassVar, cast

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from generation.api.openai import models, serializers
from generation.api.openai.answering import JobView, comes_back
from generation.api.openai.formatter import ResponseFormatter, ResponseOptions, fingerprint
from generation.api.openai.response_format import ResponseObjectFormatter
from generation.api.openai.response_requests import chat_request, in_own_words
from generation.api.openai.responses import Formatter, JobResponse
from generation.api.openai.schema import (
    CHAT_ANSWER,
    COMPLETION_ANSWER,
    RESPONSE_ANSWER,
    RESPONSE_REQUEST,
)
from generation.engine.types import MAX_BANNED_CHARS
from generation.models import Brand
from generation.serving import base_model
from generation.serving.job_kinds import CHAT
from generation.writers.prompts import render_voice
from saas.api import throttling
from saas.api.limiter import Charge
from saas.errors import AppError, Invalid
from tenants.idempotency.api import idempotent
from tenants.jobs.models import Job
from tenants.jobs.readers import reader_token
from tenants.jobs.services import job_request

# What the chat template puts around each message, in tokens.
AROUND_MESSAGE = 8
# What tells a model how functions are called.
AROUND_TOOLS = 200


class AnswerView(JobView):
    """Asks for a text and says which; `respond` waits for it."""

    asks: ClassVar[type[BaseSerializer[Any]]]
    chat: ClassVar[bool]
    formats: ClassVar[type[Formatter]] = ResponseFormatter

    @idempotent()
    def post(self, request: Request) -> Response:
        asked = self.read(request.data)
        key: Any = request.auth
        model = asked["model"]
        choice = models.chosen(model)
        work = serializers.payload(asked)
        speak_first(key.tenant.system_prompt, work)
        if brand := models.brand_asked_for(model, asked.get("metadata")):
            speak_for(brand, work)
        serializers.check(work)
        if not comes_back(request):
            work["reader"] = reader_token()
        most = most_usage(work)
        charge_tokens(request, most)
        job = job_request(
            kind=CHAT,
            payload=work | choice.payload,
            estimate=most if choice.charged else 0,
        )
        return Response(self._plan(job, model, asked), HTTPStatus.ACCEPTED)

    def read(self, data: Any) -> dict[str, Any]:
        """The request's fields; raises ValidationError."""
        asked = self.asks(data=data)
        asked.is_valid(raise_exception=True)
        return dict(asked.validated_data)

    @classmethod
    async def respond(
        cls, request: HttpRequest, plan: dict[str, Any], job: Job
    ) -> HttpResponseBase:
        options = ResponseOptions(**plan)
        formatter = cls.formats(options, job)
        return await JobResponse(request, options, job, formatter).answer()

    def about(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        """What of the request the answer repeats."""
        return None

    def _plan(self, job: Job, model: str, asked: dict[str, Any]) -> dict[str, Any]:
        options = asked["stream_options"] or {}
        return asdict(
            ResponseOptions(
                job=str(job.pk),
                model=model,
                chat=self.chat,
                stream=bool(asked["stream"]),
                include_usage=options.get("include_usage", False),
                tools="tools" in job.payload,
                fingerprint=expected_fingerprint(job.payload),
                about=self.about(asked),
            )
        )


def speak_first(prompt: str, work: dict[str, Any]) -> None:
    """Begin a conversation with the workspace's own system prompt, unless it brings one."""
    messages = work.get("messages")
    if prompt and messages and all(message["role"] != "system" for message in messages):
        messages.insert(0, {"role": "system", "content": prompt})


def speak_for(brand: Brand, work: dict[str, Any]) -> None:
    """Have a conversation answered in a brand's voice, without the words that it bans."""
    work["banned"] = [term for term in brand.banned if 0 < len(term) <= MAX_BANNED_CHARS]
    if "messages" not in work:
        raise Invalid(_("A brand's voice needs a conversation: ask /v1/chat/completions."))
    voice, first = render_voice(brand.data()), work["messages"][0]
    if first["role"] == "system":
        first["content"] = f"{voice}\n\n{first['content']}"
    else:
        work["messages"].insert(0, {"role": "system", "content": voice})


def most_usage(work: dict[str, Any]) -> dict[str, int]:
    """The most that a request can take: a token is at least one byte of its text."""
    texts = work.get("prompts") or [json.dumps(turn) for turn in work["messages"]]
    size = sum(len(text.encode()) + AROUND_MESSAGE for text in texts)
    if "tools" in work:
        size += len(json.dumps(work["tools"])) + AROUND_TOOLS
    return {
        "prompt_tokens": size + AROUND_MESSAGE,
        "completion_tokens": work["max_tokens"] * work["n"] * len(work.get("prompts", [""])),
    }


def expected_fingerprint(work: dict[str, Any]) -> str | None:
    """The weights that the job asks for; unknown where somebody else's server writes."""
    try:
        base = None if "endpoint" in work else base_model.local_base()
    except AppError:  # it is not there yet: the answer itself will tell
        return None
    return fingerprint(base.sha256, work.get("adapter", {}).get("sha256")) if base else None


def charge_tokens(request: Request, most: dict[str, int]) -> None:
    """Count the request against the workspace's tokens a minute, by a fair guess."""
    (policy,) = throttling.policies("tokens")
    guess = most["prompt_tokens"] // 4 + most["completion_tokens"]
    throttling.charge(request._request, [Charge(policy, min(guess, policy.quota))])


CHAT_EXAMPLE = OpenApiExample(
    "A question",
    request_only=True,
    value={
        "model": "smollm2-135m-instruct",
        "messages": [{"role": "user", "content": "A headline for a lamp that dims itself."}],
        "max_tokens": 32,
    },
)
COMPLETION_EXAMPLE = OpenApiExample(
    "A beginning",
    request_only=True,
    value={"model": "smollm2-135m-instruct", "prompt": "The lamp that", "max_tokens": 32},
)


@extend_schema_view(
    post=extend_schema(
        operation_id="openai_chat_completions",
        request=serializers.ChatSerializer,
        responses=CHAT_ANSWER,
        examples=[CHAT_EXAMPLE],
    )
)
class ChatView(AnswerView):
    """Continues a conversation, as OpenAI's chat completions do."""

    asks = serializers.ChatSerializer
    chat = True


@extend_schema_view(
    post=extend_schema(
        operation_id="openai_completions",
        request=serializers.CompletionSerializer,
        responses=COMPLETION_ANSWER,
        examples=[COMPLETION_EXAMPLE],
    )
)
class CompletionView(AnswerView):
    """Continues a text, as OpenAI's completions do."""

    asks = serializers.CompletionSerializer
    chat = False


RESPONSE_EXAMPLE = OpenApiExample(
    "A question",
    request_only=True,
    value={
        "model": "smollm2-135m-instruct",
        "instructions": "Write as a shop for lamps would.",
        "input": "A headline for a lamp that dims itself.",
        "max_output_tokens": 32,
    },
)


@extend_schema_view(
    post=extend_schema(
        operation_id="openai_responses",
        request={"application/json": RESPONSE_REQUEST},
        responses=RESPONSE_ANSWER,
        examples=[RESPONSE_EXAMPLE],
    )
)
class ResponseView(AnswerView):
    """Answers as OpenAI's responses do; nothing is kept, so the whole history is sent."""

    asks = serializers.ChatSerializer
    chat = True
    formats = ResponseObjectFormatter

    def read(self, data: Any) -> dict[str, Any]:
        try:
            return super().read(chat_request(data))
        except ValidationError as error:
            raise ValidationError(in_own_words(error.detail)) from error

    def about(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        given = cast("Mapping[str, Any]", self.request.data)
        return {
            "instructions": given.get("instructions"),
            "max_output_tokens": asked["max_tokens"],
            "metadata": asked["metadata"] or {},
            "temperature": asked["temperature"],
            "top_p": asked["top_p"],
            "text": given.get("text") or {"format": {"type": "text"}},
            "tools": given.get("tools") or [],
            "tool_choice": given.get("tool_choice") or "auto",
        }
