"""Errors that callers can act on, and the one place that turns them into answers (RFC 9457)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
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
    """An error with a status, a stable code and a title that never changes.

    `advice` tells a caller what the code means and what to do. A code has one class; its page,
    the API's description and the schema are made of the class alone. The argument `code` is for
    errors that are passed on from elsewhere, such as a job's.
    """

    status: ClassVar[int] = 500
    code: str = "internal_error"
    title: ClassVar[Any] = _("Something went wrong on our side.")
    advice: ClassVar[Any] = _("A fault of ours. Tell us the “request_id”.")
    retryable: ClassVar[bool] = False

    def __init__(self, detail: Any = "", *, code: str = "", **extra: Any) -> None:
        super().__init__(str(detail or self.title))
        self.detail = str(detail)
        self.code = code or self.code
        self.extra = extra
        self.headers: dict[str, str] = {}


class BadRequest(AppError):
    status, code, title = 400, "bad_request", _("The request could not be understood.")
    advice = _("The server could not read the request at all.")


class UnsupportedApiVersion(BadRequest):
    code = "unsupported_api_version"
    advice = _("Leave “Kindling-Version” out, or send one of the versions in “supported”.")


class MalformedJson(BadRequest):
    code = "json_malformed"
    advice = _(
        "The body is not JSON as RFC 8259 has it. NaN, a name that stands twice in one "
        "object, half a surrogate pair and very deep nesting are refused too."
    )


class NotAuthenticated(AppError):
    status, code, title = 401, "not_authenticated", _("A valid API key is needed.")
    advice = _("Send a live API key as “Authorization: Bearer …”. It is made under Settings, Keys.")

    def __init__(self, detail: Any = "", *, code: str = "", **extra: Any) -> None:
        super().__init__(detail, code=code, **extra)
        self.headers = {"WWW-Authenticate": 'Bearer realm="kindling"'}


class InsufficientCredits(AppError):
    status, code, title = 402, "insufficient_credits", _("The workspace has too few credits.")
    advice = _("The workspace has fewer credits left than this could cost (see “required”).")


class InsufficientRole(AppError):
    status, code, title = 403, "insufficient_role", _("Your role does not allow this.")
    advice = _("A member with another role may do this.")


class InsufficientScope(AppError):
    status, code, title = 403, "insufficient_scope", _("The API key's scopes do not allow this.")
    advice = _("Use a key with the scope that “detail” names.")


class CsrfFailed(AppError):
    status, code = 403, "csrf_failed"
    title = _("The form has expired. Reload the page and send it again.")
    advice = _("The form has expired. Load the page again.")


class TenantSuspended(AppError):
    status, code, title = 403, "tenant_suspended", _("This workspace is suspended.")
    advice = _("The workspace is suspended. Ask its operator about it.")


class NotFound(AppError):
    status, code, title = 404, "not_found", _("There is nothing here.")
    advice = _("There is no such address, or nothing there that you may see.")


class MethodNotAllowed(AppError):
    status, code, title = 405, "method_not_allowed", _("This address does not take this method.")
    advice = _("The “Allow” header names the methods that are there.")


class NotAcceptable(AppError):
    status, code, title = 406, "not_acceptable", _("This address has no answer of that kind.")
    advice = _("This address answers with application/json.")


class Conflict(AppError):
    status, code, title = 409, "conflict", _("The request does not fit the current state.")
    advice = _("Read the object again: its state does not allow this any more.")


class InUse(Conflict):
    code = "in_use"
    advice = _("Other objects refer to this one. Change or delete them first.")


class AlreadyExists(Conflict):
    code = "already_exists"
    advice = _("Another object of the workspace has this name already.")


class TenantErased(AppError):
    status, code, title = 410, "tenant_erased", _("This workspace was erased.")
    advice = _("The workspace is being erased.")


class Gone(AppError):
    status, code, title = 410, "gone", _("This is no longer there.")
    advice = _("What was here has been removed for good.")


class PreconditionFailed(AppError):
    """Somebody else changed the text first."""

    status, code, title = 412, "precondition_failed", _("The text has changed in the meantime.")
    advice = _("Somebody changed the text first. Read it again and send its new ETag as If-Match.")


class TooLarge(AppError):
    status, code, title = 413, "payload_too_large", _("The request is too large.")
    advice = _("Send less at once; “limit” is in bytes.")


class BatchTooLarge(TooLarge):
    """`limit` is how many entries are taken at once."""

    code, title = "batch_too_large", _("The batch has too many entries.")
    advice = _("Send it in parts of at most “limit” entries.")


class UnsupportedMedia(AppError):
    status, code, title = 415, "unsupported_media_type", _("This kind of content is not taken.")
    advice = _("Send application/json in UTF-8.")


class Invalid(AppError):
    """422 with the list of fields that are wrong, by JSON pointer."""

    status, code, title = 422, "validation_failed", _("The request did not pass validation.")
    advice = _("“errors” names each field by JSON pointer, and the cure.")

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


class PreconditionRequired(AppError):
    """A change that does not say which text it changes."""

    status, code, title = 428, "precondition_required", _("Say which text this changes.")
    advice = _("Send the ETag that you have read as If-Match.")


class TooManyRequests(AppError):
    status, code, title = 429, "rate_limited", _("Too many requests.")
    advice = _("Wait for “retry_after” seconds.")
    retryable = True

    def __init__(self, detail: Any = "", *, retry_after: int, code: str = "", **extra: Any) -> None:
        super().__init__(detail, code=code, retry_after=retry_after, **extra)
        self.headers = {"Retry-After": str(retry_after)}


class HeadersTooLarge(AppError):
    status, code, title = 431, "headers_too_large", _("The request's headers are too large.")
    advice = _("Send fewer or shorter headers and cookies.")


class Unavailable(AppError):
    status, code, title = 503, "service_unavailable", _("The service is briefly unavailable.")
    advice = _("Something this needs is away. Ask again soon.")
    retryable = True

    def __init__(self, detail: Any = "", *, code: str = "", **extra: Any) -> None:
        super().__init__(detail, code=code, **extra)
        self.headers = {"Retry-After": "5"}


class TransactionConflict(Unavailable):
    code = "transaction_conflict"
    advice = _("Two calls were in each other's way. Send it again.")


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


def same_status(status: int) -> int:
    return status


@dataclass(frozen=True, slots=True)
class ErrorFormat:
    """How the clients of one kind of API read an error: its body, and the status they know."""

    body: Callable[[AppError, HttpRequest | None], dict[str, Any]] = problem
    status: Callable[[int], int] = same_status
    media_type: str = "application/json"


PROBLEM_FORMAT = ErrorFormat(media_type="application/problem+json")
_formats: dict[str, ErrorFormat] = {}


def format_errors(prefix: str, found: ErrorFormat) -> None:
    """Tell errors below a path in another format; in your AppConfig.ready()."""
    _formats[prefix] = found


def error_format(request: HttpRequest | None) -> ErrorFormat:
    path = request.path_info if request is not None else ""
    known = (found for prefix, found in _formats.items() if path.startswith(prefix))
    return next(known, PROBLEM_FORMAT)


def problem_response(error: AppError, request: HttpRequest | None) -> HttpResponse:
    found = error_format(request)
    response = JsonResponse(found.body(error, request), status=found.status(error.status))
    response["Content-Type"] = found.media_type
    response["Content-Language"] = get_language() or "en"
    response["Cache-Control"] = "no-store"
    for name, value in error.headers.items():
        response[name] = value
    return response


def openai_status(status: int) -> int:
    """OpenAI's clients know 429 insufficient_quota, not 402, and 400 where we say 422."""
    return {402: 429, 422: 400}.get(status, status)


# What stands beside an error's own words in OpenAI's shape too.
PASSED_ON = ("state", "limit", "requested")


def openai_problem(error: AppError, request: HttpRequest | None) -> dict[str, Any]:
    """The error in the shape that OpenAI's clients read."""
    first = (error.extra.get("errors") or [{}])[0]
    param = first.get("pointer", "").removeprefix("/").replace("/", ".") or None
    kinds = {401: "authentication_error", 402: "insufficient_quota", 429: "rate_limit_error"}
    other = "server_error" if error.status >= 500 else "invalid_request_error"
    kind = kinds.get(error.status, other)
    code = "insufficient_quota" if error.status == 402 else first.get("code") or error.code
    message = first.get("detail") or error.detail or str(error.title)
    more = {name: error.extra[name] for name in PASSED_ON if name in error.extra}
    return {
        "error": {"message": message, "type": kind, "param": param, "code": code, **more},
        "request_id": getattr(request, "request_id", ""),
    }


format_errors("/v1/", ErrorFormat(openai_problem, openai_status))


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
        return TransactionConflict() if lost else Unavailable()
    return None


OURS: dict[type[drf.APIException], type[AppError]] = {
    drf.ParseError: MalformedJson,
    drf.UnsupportedMediaType: UnsupportedMedia,
    drf.MethodNotAllowed: MethodNotAllowed,
    drf.NotAcceptable: NotAcceptable,
}


def from_drf(exc: drf.APIException) -> AppError | None:
    if isinstance(exc, drf.ValidationError):
        errors = list(field_errors(exc.get_full_details()))
        noun = _("1 field is invalid.") if len(errors) == 1 else _("{} fields are invalid.")
        return Invalid(str(noun).format(len(errors)), errors=errors)
    if isinstance(exc, drf.NotAuthenticated | drf.AuthenticationFailed):
        return NotAuthenticated()
    ours = OURS.get(type(exc))
    return ours(exc.detail) if ours else None


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
    path = request.path_info
    return path.startswith(("/api/", *_formats)) or not request.accepts("text/html")


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


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return error_page(request, CsrfFailed())
