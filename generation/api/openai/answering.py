"""A view that asks for a job and answers with what becomes of it."""

import json
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from asgiref.sync import sync_to_async
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from generation.api.openai.responses import stop_unread
from saas.api import throttling
from saas.api.views import ApiView
from saas.errors import AppError, problem_response
from saas.request_end import at_end, until_end
from tenants.idempotency.api import rendered
from tenants.jobs.api import EventStreamRenderer
from tenants.jobs.models import Job
from tenants.jobs.streams import release_connection


class JobView(ApiView):
    """Its `post` asks for a job and answers 202 with a plan, in which `job` is the job's id."""

    scope = "generate"
    limits = ("generations",)
    problems = (404, 500)
    tag = "openai"
    renderer_classes = (JSONRenderer, EventStreamRenderer)

    @classmethod
    async def respond(
        cls, request: HttpRequest, plan: dict[str, Any], job: Job
    ) -> HttpResponseBase:
        """The answer, once there is one; raises AppError for a job that went wrong."""
        raise NotImplementedError


def comes_back(request: Request | HttpRequest) -> bool:
    """Whether the caller has a key to ask for the answer again with, should it lose this one."""
    return "Idempotency-Key" in request.headers


def answered(view: type[JobView]) -> Callable[..., Any]:
    """The view as Django calls it: the job in one transaction, then the wait without one."""
    begin = view.as_view()

    @transaction.non_atomic_requests
    async def wait(request: HttpRequest) -> HttpResponseBase:
        with until_end(request):
            response, job = await sync_to_async(begun)(begin, request)
            if job is None:
                return response
            try:
                answer = await view.respond(request, json.loads(response.content), job)
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
    if not comes_back(request):
        at_end(request, partial(stop_unread, job))
    release_connection()
    return response, job
