"""What makes an API call safe to retry: the `idempotent` decorator for handlers."""

import hashlib
import json
import re
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, cast

from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from saas.errors import AppError, BadRequest, Conflict, Invalid, problem_response
from saas.storage import sha256_of
from tenants.idempotency.models import IdempotencyRecord, lock
from tenants.models import ApiKey

PRINTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
# Answers that say how the work went. Others refuse the call itself and are worked out anew.
KEPT_REFUSALS = {402, 409}
KEPT_HEADERS = ("Location", "ETag", "Content-Type")

Handler = Callable[..., Any]


class StillRunning(Conflict):
    """The same call is being worked on at this moment."""

    code = "idempotency_in_progress"
    advice = gettext_lazy(
        "The first call with this Idempotency-Key still runs. Ask again in a second."
    )
    retryable = True

    def __init__(self) -> None:
        super().__init__()
        self.headers = {"Retry-After": "1"}


class KeyMissing(BadRequest):
    code = "idempotency_key_missing"
    advice = gettext_lazy(
        "This call costs credits and needs an Idempotency-Key, so that it can be retried."
    )


class KeyInvalid(BadRequest):
    code = "idempotency_key_invalid"
    advice = gettext_lazy("An Idempotency-Key has 1 to 255 printable ASCII characters.")


class KeyReused(Invalid):
    code = "idempotency_key_reused"
    advice = gettext_lazy("This Idempotency-Key came before with another request. Make a new key.")


def idempotent(*, required: bool = False) -> Callable[[Handler], Handler]:
    """Answer a repeated Idempotency-Key with what was answered first."""

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def wrapped(view: Any, request: Request, *args: Any, **kwargs: Any) -> Any:
            key = read_key(request, required=required)
            call = partial(handler, view, request, *args, **kwargs)
            return call() if key is None else once(request, key, call)

        wrapped.idempotency = "required" if required else "optional"  # type: ignore[attr-defined]
        return wrapped

    return decorate


def read_key(request: Request, *, required: bool) -> str | None:
    given = request.headers.get("Idempotency-Key")
    if given is None:
        if required:
            raise KeyMissing(
                _("Send an Idempotency-Key, so that this can be retried without paying twice.")
            )
        return None
    key = given[1:-1] if len(given) > 1 and given[0] == given[-1] == '"' else given
    if not PRINTABLE.fullmatch(key):
        raise KeyInvalid
    return key


def once(request: Request, key: str, call: Callable[[], Any]) -> HttpResponse:
    """Run the call, or give the answer that its first run left behind."""
    principal = cast(ApiKey, request.auth)
    identity = {"api_key": principal, "key": key}
    if not lock(principal.workspace_id, principal.pk, key):
        raise StillRunning
    fingerprint = fingerprint_of(request)
    record = IdempotencyRecord.objects.live().filter(**identity).first()
    if record is not None:
        return replay(record, fingerprint)
    response = run(request, call)
    IdempotencyRecord.keep(
        **identity,
        method=request.method,
        path=request.path_info[:300],
        request_sha256=fingerprint,
        status=response.status_code,
        headers={name: response[name] for name in KEPT_HEADERS if name in response},
        body=response.content.decode(),
    )
    return response


def fingerprint_of(request: Request) -> str:
    """A hash of what the call asks for; spelling and order of its JSON do not matter."""
    call = [request.method, request.path_info, request.data]
    asked = json.dumps(call, sort_keys=True, default=sha256_of)
    return hashlib.sha256(asked.encode()).hexdigest()


def run(request: Request, call: Callable[[], Any]) -> HttpResponse:
    """The call's answer as bytes. A refusal that is kept takes back what the call had done."""
    try:
        with transaction.atomic():
            return rendered(call())
    except AppError as error:
        if error.status not in KEPT_REFUSALS:
            raise
        return problem_response(error, request._request)


def rendered(response: Response | HttpResponse) -> HttpResponse:
    if not isinstance(response, Response):
        return response
    body = b"" if response.data is None else JSONRenderer().render(response.data)
    headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    headers["Content-Type"] = "application/json"
    return HttpResponse(body, status=response.status_code, headers=headers)


def replay(record: IdempotencyRecord, fingerprint: str) -> HttpResponse:
    if record.request_sha256 != fingerprint:
        raise KeyReused(_("This key came before with another request."))
    response = HttpResponse(record.body, status=record.status, headers=record.headers)
    response["Idempotency-Replayed"] = "true"
    return response
