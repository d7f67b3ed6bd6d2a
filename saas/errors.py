"""Errors that callers can act on, and the one place that turns them into answers (RFC 9457)."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from psycopg.errors import DeadlockDetected, SerializationFailure
from rest_framework import exceptions as drf


class AppError(Exception):
    """An error with a status, a stable code and a title that never changes."""

    status: ClassVar[int] = 500
    code: str = "internal_error"
    title: ClassVar[Any] = _("Something went wrong on our side.")
    retryable: ClassVar[bool] = False

    def __init__(self, detail: Any = "", *, code: str = "", **extra: Any) -> None:
        super().__init__(str(detail or self.title))
        self.detail = str(detail)
        self.code = code or self.code
        self.extra = extra
        self.headers: dict[str, str] = {}


class BadRequest(AppError):
    status, code, title = 400, "bad_request", _("The request could not be understood.")


class NotAuthenticated(AppError):
    status, code, title = 401, "not_authenticated", _("A valid API key is needed.")

    def __init__(self, detail: Any = "", *, code: str = "", **extra: Any) -> None:
        super().__init__(detail, code=code, **extra)
        self.headers = {"WWW-Authenticate": 'Bearer realm="kindling"'}


class InsufficientCredits(AppError):
    status, code, title = 402, "insufficient_credits", _("The workspace has too few credits.")


class InsufficientRole(AppError):
    status, code, title = 403, "insufficient_role", _("Your role does not allow this.")


class InsufficientScope(AppError):
    status, code, title = 403, "insufficient_scope", _("The API key's scopes do not allow this.")


class TenantSuspended(AppError):
    status, code, title = 403, "tenant_suspended", _("This workspace is suspended.")


class NotFound(AppError):
    status, code, title = 404, "not_found", _("There is nothing here.")


class Conflict(AppError):
    status, code, title = 409, "conflict", _("The request does not fit the current state.")


class TenantErased(AppError):
    status, code, title = 410, "tenant_erased", _("This workspace was erased.")


class Gone(AppError):
    status, code, title = 410, "gone", _("This is no longer there.")


class TooLarge(AppError):
    status, code, title = 413, "payload_too_large", _("The request is too large.")


class UnsupportedMedia(AppError):
    status, code, title = 415, "unsupported_media_type", _("This kind of content is not taken.")


class Invalid(AppError):
    """422 with the list of fields that are wrong, by JSON pointer."""

    status, code, title = 422, "validation_failed", _("The request did not pass validation.")

    def __init__(
        self,
        detail: Any = "",
        *,
        code: str = "",
        errors: Iterable[dict[str, Any]] = (),
        **extra: Any,
    ) -> None:
        found = list(errors)
        super().__init__(detail, code=code, **({"errors": found} if found else {}), **extra)


class TooManyRequests(AppError):
    status, code, title = 429, "rate_limited", _("Too many requests.")
    retryable = True

    def __init__(self, detail: Any = "", *, retry_after: int, code: str = "", **extra: Any) -> None:
        super().__init__(detail, code=code, retry_after=retry_after, **extra)
        self.headers = {"Retry-After": str(retry_after)}


class HeadersTooLarge(AppError):
    status, code, title = 431, "headers_too_large", _("The request's headers are too large.")


class Unavailable(AppError):
    status, code, title = 503, "service_unavailable", _("The service is briefly unavailable.")
    retryable = True

    def __init__(self, detail: Any = "", *, code: str = "", **extra: Any) -> None:
        super().__init__(detail, code=code, **extra)
        self.headers = {"Retry-After": "5"}


def problem(error: AppError, request: HttpRequest | None) -> dict[str, Any]:
    """The problem object of an error, as promised for every API answer."""
    request_id = getattr(request, "request_id", "")
    body = {
        "type": f"{settings.PUBLIC_URL}/problems/{error.code.replace('_', '-')}",
        "title": str(error.title),
        "status": error.status,
        "detail": error.detail or str(error.title),
        "instance": f"urn:request:{request_id}",
        "code": error.code,
        "request_id": request_id,
        "retryable": error.retryable,
    }
    return body | error.extra


def problem_response(error: AppError, request: HttpRequest | None) -> HttpResponse:
    openai_paths = request is not None and request.path_info.startswith("/v1/")
    body = openai_problem(error, request) if openai_paths else problem(error, request)
    status = openai_status(error.status) if openai_paths else error.status
    response = JsonResponse(body, status=status)
    if not openai_paths:
        response["Content-Type"] = "application/problem+json"
    response["Content-Language"] = get_language() or "en"
    response["Cache-Control"] = "no-store"
    for name, value in error.headers.items():
        response[name] = value
    return response


def openai_status(status: int) -> int:
    """OpenAI's clients know 429 insufficient_quota, not 402, and 400 where we say 422."""
    return {402: 429, 422: 400}.get(status, status)


def openai_problem(error: AppError, request: HttpRequest | None) -> dict[str, Any]:
    """The error in the shape that OpenAI's clients read."""
    first = (error.extra.get("errors") or [{}])[0]
    param = first.get("pointer", "").removeprefix("/").replace("/", ".") or None
    kinds = {401: "authentication_error", 402: "insufficient_quota", 429: "rate_limit_error"}
    other = "server_error" if error.status >= 500 else "invalid_request_error"
    kind = kinds.get(error.status, other)
    code = "insufficient_quota" if error.status == 402 else first.get("code") or error.code
    message = first.get("detail") or error.detail or str(error.title)
    state = {"state": error.extra["state"]} if "state" in error.extra else {}
    return {
        "error": {"message": message, "type": kind, "param": param, "code": code, **state},
        "request_id": getattr(request, "request_id", ""),
    }


def api_exception_handler(exc: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's hook: every exception that means something to the caller becomes a problem."""
    error = as_app_error(exc)
    if error is None:
        return None
    if connection.in_atomic_block:
        transaction.set_rollback(True)
    return problem_response(error, context["request"]._request)


def as_app_error(exc: BaseException) -> AppError | None:
    """Our name for an exception of Django or DRF; None for a bug."""
    if isinstance(exc, AppError):
        return exc
    if isinstance(exc, Http404 | drf.NotFound):
        return NotFound()
    if isinstance(exc, PermissionDenied | drf.PermissionDenied):
        return InsufficientRole()
    if isinstance(exc, drf.APIException):
        return from_drf(exc)
    if isinstance(exc, OperationalError):
        lost = isinstance(exc.__cause__, DeadlockDetected | SerializationFailure)
        return Unavailable(code="transaction_conflict" if lost else "")
    return None


def from_drf(exc: drf.APIException) -> AppError:
    if isinstance(exc, drf.ValidationError):
        errors = list(field_errors(exc.get_full_details()))
        noun = _("1 field is invalid.") if len(errors) == 1 else _("{} fields are invalid.")
        return Invalid(str(noun).format(len(errors)), errors=errors)
    if isinstance(exc, drf.ParseError):
        return BadRequest(exc.detail, code="json_malformed")
    if isinstance(exc, drf.UnsupportedMediaType):
        return UnsupportedMedia(exc.detail)
    if isinstance(exc, drf.NotAuthenticated | drf.AuthenticationFailed):
        return NotAuthenticated()
    error = _from_status(exc)
    error.headers |= getattr(exc, "headers", {})
    return error


def _from_status(exc: drf.APIException) -> AppError:
    class Other(AppError):
        status, code, title = exc.status_code, str(exc.default_code), exc.default_detail

    return Other(exc.detail)


def field_errors(details: Any, pointer: str = "") -> Iterable[dict[str, Any]]:
    """DRF's nested error details as a flat list of {pointer, code, detail}."""
    if isinstance(details, dict) and isinstance(details.get("code"), str):
        yield {"pointer": pointer or "/", "code": details["code"], "detail": details["message"]}
    elif isinstance(details, dict):
        for name, inner in details.items():
            step = "" if name == "non_field_errors" else f"/{name}"
            yield from field_errors(inner, pointer + step)
    else:
        for index, inner in enumerate(details):
            leaf = isinstance(inner, dict) and isinstance(inner.get("code"), str)
            yield from field_errors(inner, pointer if leaf else f"{pointer}/{index}")


def wants_json(request: HttpRequest) -> bool:
    return request.path_info.startswith(("/api/", "/v1/")) or not request.accepts("text/html")


def error_page(request: HttpRequest, error: AppError) -> HttpResponse:
    """The error as the caller reads it: a problem for programs, a page for people."""
    if wants_json(request):
        return problem_response(error, request)
    template = "403.html" if error.status == 403 else f"{error.status}.html"
    known = error.status in {400, 403, 404, 500}
    context = {"error": error, "request_id": getattr(request, "request_id", "")}
    page = render(request, template if known else "error.html", context, status=error.status)
    for name, value in error.headers.items():
        page[name] = value
    return page


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, BadRequest())


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, InsufficientRole())


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, NotFound())


def too_many_requests(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(request, TooManyRequests(_("Wait a minute, then try again."), retry_after=60))


def server_error(request: HttpRequest) -> HttpResponse:
    return error_page(request, AppError())


class CsrfFailed(AppError):
    status, code = 403, "csrf_failed"
    title = _("The form has expired. Reload the page and send it again.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return error_page(request, CsrfFailed())
