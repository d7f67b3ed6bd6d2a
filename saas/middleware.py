"""Gives each request an id, and turns errors that callers can act on into answers."""

import re
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import structlog
from django.dispatch import receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin
from django_structlog.signals import (
    bind_extra_request_finished_metadata,
    bind_extra_request_metadata,
)

from saas.errors import MethodNotAllowed, as_app_error, error_page
from saas.ids import uuid7

GIVEN_ID = re.compile(r"^[\w.-]{8,40}$", re.ASCII)


class RequestIdMiddleware:
    """Takes the caller's X-Request-Id where it is a plain word, else makes one; sends it back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-Id", "")
        request_id = given if GIVEN_ID.match(given) else f"req_{uuid7().hex}"
        request.request_id = request_id  # type: ignore[attr-defined]
        request.began = time.monotonic()  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response


@receiver(bind_extra_request_metadata)
def name_in_logs(request: HttpRequest, **_: Any) -> None:
    """Log lines carry the id that the caller is told, not one of their own."""
    structlog.contextvars.bind_contextvars(request_id=request.request_id)  # type: ignore[attr-defined]


@receiver(bind_extra_request_finished_metadata)
def say_how_long(request: HttpRequest, log_kwargs: dict[str, Any], **_: Any) -> None:
    """A request's last line says how long it took."""
    log_kwargs["duration_ms"] = round(1000 * (time.monotonic() - request.began))  # type: ignore[attr-defined]


class ProblemMiddleware(MiddlewareMixin):
    """Answers an AppError that a view raised; anything unknown goes on to be logged as a bug."""

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        error = as_app_error(exception)
        return None if error is None else error_page(request, error)

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Django refuses a method without a word."""
        refused = response.status_code == HTTPStatus.METHOD_NOT_ALLOWED
        if not refused or getattr(response, "content", True):
            return response
        error = MethodNotAllowed()
        error.headers["Allow"] = response["Allow"]
        return error_page(request, error)
