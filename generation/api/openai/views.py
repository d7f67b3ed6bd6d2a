"""POST /v1/chat/completions and /v1/completions: a job like any other, and a wait for its text."""

import json
from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus
from typing import Any, ClassVar

from asgiref.sync import sync_to_async
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from generation.api.openai import models, serializers
from generation.api.openai.formatter import ResponseOptions
from generation.api.openai.responses import JobResponse
from generation.api.openai.schema import CHAT_ANSWER, COMPLETION_ANSWER
from generation.serving.job_kinds import CHAT
from saas.api import throttling
from saas.api.limiter import Charge
from saas.api.views import ApiView
from saas.errors import AppError, problem_response
from tenants.idempotency.api import idempotent, rendered
from tenants.jobs.api import EventStreamRenderer
from tenants.jobs.models import Job
from tenants.jobs.services import job_request
from tenants.jobs.streams import release_connection

# What the chat template puts around each message, in tokens.
AROUND_MESSAGE = 8


class AnswerView(ApiView):
    """Asks for a job and says which; `answered` waits for its text."""

    scope = "generate"
    limits = ("generations",)
    problems = (404, 500)
    tag = "openai"
    renderer_classes = (JSONRenderer, EventStreamRenderer)
    asks: ClassVar[type[BaseSerializer[Any]]]
    chat: ClassVar[bool]

    @idempotent()
    def post(self, request: Request) -> Response:
        asked = self.asks(data=request.data)
        asked.is_valid(raise_exception=True)
        model = asked.validated_data["model"]
        choice = models.chosen(model)
        work = serializers.payload(asked.validated_data)
        serializers.check(work)
        most = most_usage(work)
        charge_tokens(request, most)
        job = job_request(
            kind=CHAT,
            payload=work | choice.payload,
            estimate=most if choice.charged else 0,
        )
        return Response(self._plan(job, model, asked.validated_data), HTTPStatus.ACCEPTED)

    def _plan(self, job: Job, model: str, asked: dict[str, Any]) -> dict[str, Any]:
        options = asked["stream_options"] or {}
        return asdict(
            ResponseOptions(
                job=str(job.pk),
                model=model,
                chat=self.chat,
                n=job.payload["n"],
                stream=bool(asked["stream"]),
                include_usage=options.get("include_usage", False),
            )
        )


def most_usage(work: dict[str, Any]) -> dict[str, int]:
    """The most that a request can take: a token is at least one byte of its text."""
    messages = work.get("messages") or [{"content": work.get("prompt", "")}]
    size = sum(len(message["content"].encode()) + AROUND_MESSAGE for message in messages)
    return {
        "prompt_tokens": (size + AROUND_MESSAGE) * work["n"],
        "completion_tokens": work["max_tokens"] * work["n"],
    }


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


def answered(view: type[AnswerView]) -> Callable[..., Any]:
    """The view as Django calls it: the job in one transaction, then the wait without one."""
    begin = view.as_view()

    @transaction.non_atomic_requests
    async def wait(request: HttpRequest) -> HttpResponseBase:
        response, job = await sync_to_async(begun)(begin, request)
        if job is None:
            return response
        plan = ResponseOptions(**json.loads(response.content))
        try:
            answer = await JobResponse(request, plan, job).answer()
        except AppError as error:
            answer = problem_response(error, request)
        if "Idempotency-Replayed" in response:
            answer["Idempotency-Replayed"] = response["Idempotency-Replayed"]
        throttling.set_headers(request, answer)
        return answer

    wait.cls = view  # type: ignore[attr-defined]
    wait.initkwargs = {}  # type: ignore[attr-defined]
    wait.csrf_exempt = True  # type: ignore[attr-defined]
    return wait


def begun(begin: Callable[..., Any], request: HttpRequest) -> tuple[HttpResponse, Job | None]:
    """The view's own answer, and the job where it asked for one."""
    with transaction.atomic():
        response = begin(request)
        if response.status_code != HTTPStatus.ACCEPTED:
            return response, None
        response = rendered(response)
        job = Job.objects.get(pk=json.loads(response.content)["job"])
    release_connection()
    return response, job
