"""A workspace's own model server: set up, tried out, switched, removed; only an owner may."""

import time
from dataclasses import dataclass
from typing import Any

import httpx
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from generation.engine.types import (
    EngineError,
    Event,
    Failed,
    Finished,
    GenerationRequest,
    Message,
    Sampling,
)
from generation.models import Endpoint
from generation.serving.customer_endpoint import UNREACHABLE, Target, translated
from saas.errors import InsufficientRole, Invalid, NotFound
from saas.outbound import NameUnknown, UrlNotAllowed, check_url
from tenants.authors import Author
from tenants.models import Membership, Role
from tenants.services import audit

CHECK_S = 15.0
QUESTION = Message("user", "Say hello.")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a try of a model server came to: "ok" or a trouble's code, and how long it took."""

    code: str
    seconds: float


def require_owner(author: Author) -> None:
    """Raise unless an owner acts, or a key that somebody made who is an owner now."""
    owners = Membership.objects.owners()
    if author.user is None or not owners.filter(user=author.user).exists():
        raise InsufficientRole(needed=str(Role.OWNER))


@transaction.atomic
def endpoint_save(
    *, author: Author, fields: dict[str, Any], key: str | None, request: HttpRequest
) -> Endpoint:
    """Set the model server up, or change it; the key stays where none is given.

    Raises Invalid where the address is not allowed, or a key would go to another server than the
    one that it was entered for.
    """
    require_owner(author)
    found = Endpoint.objects.select_for_update().first() or Endpoint()
    before = (found.base_url, found.model, found.dialect, found.enabled)
    url = allowed(fields["base_url"])
    if key is None and found.sealed_key and origin(url) != origin(found.base_url):
        detail = _("Enter the key again: it was meant for another server.")
        raise Invalid(detail, errors=[{"pointer": "/key", "code": "required", "detail": detail}])
    for name, value in {**fields, "base_url": url}.items():
        setattr(found, name, value)
    if key is not None:
        found.keep_key(key)
    after = (found.base_url, found.model, found.dialect, found.enabled)
    if key is not None or before[:3] != after[:3]:
        found.checked_at, found.check_result = None, ""
    added = found._state.adding
    found.save()
    changes = {"new_key": key is not None, "model": found.model, "enabled": found.enabled}
    _note("endpoint.added" if added else "endpoint.changed", found, author, request, **changes)
    return found


def allowed(url: str) -> str:
    try:
        return check_url(url)
    except UrlNotAllowed as error:
        problem = {"pointer": "/base_url", "code": error.code, "detail": error.detail}
        raise UrlNotAllowed(error.detail, errors=[problem]) from error


def origin(url: str) -> tuple[str, str, int | None]:
    parts = httpx.URL(url)
    return parts.scheme, parts.host, parts.port


@transaction.atomic
def endpoint_switch(*, author: Author, enabled: bool, request: HttpRequest) -> Endpoint:
    """Take the model server into use, or out of it."""
    require_owner(author)
    found = _locked()
    found.enabled = enabled
    found.save(update_fields=["enabled", "updated_at"])
    _note("endpoint.enabled" if enabled else "endpoint.disabled", found, author, request)
    return found


@transaction.atomic
def endpoint_delete(*, author: Author, request: HttpRequest) -> None:
    """Forget the model server and its key."""
    require_owner(author)
    found = _locked()
    _note("endpoint.deleted", found, author, request)
    found.delete()


def _locked() -> Endpoint:
    found: Endpoint | None = Endpoint.objects.select_for_update().first()
    if found is None:
        raise NotFound
    return found


def _note(
    action: str, found: Endpoint, author: Author, request: HttpRequest, **details: Any
) -> None:
    actor, key = author.user, author.api_key
    audit(
        action=action, actor=actor, api_key=key, target=found.base_url, request=request, **details
    )


def endpoint_try(target: Target) -> Answer:
    """Ask the server for a few words. Takes seconds: hold no transaction meanwhile."""
    began = time.monotonic()
    try:
        check_url(target.base_url)
        event = _asked(target)
    except NameUnknown:
        return Answer(UNREACHABLE.code, time.monotonic() - began)
    except (UrlNotAllowed, EngineError) as error:
        return Answer(error.code, time.monotonic() - began)
    code = event.code if isinstance(event, Failed) else Endpoint.WORKS
    return Answer(code, time.monotonic() - began)


def _asked(target: Target) -> Event:
    request = GenerationRequest(
        id="check",
        tenant=str(target.tenant_id),
        max_tokens=16,
        messages=(QUESTION,),
        sampling=Sampling(temperature=0.0),
    )
    engine = target.open(timeout=CHECK_S, deadline=CHECK_S)
    try:
        engine.submit(request)
        while True:
            for event in engine.step():
                if isinstance(event, Failed | Finished):
                    return translated(event)
    finally:
        engine.close()


def endpoint_tried(*, target: Target, answer: Answer) -> None:
    """Keep what a try came to, unless the server was changed meanwhile."""
    found: Endpoint | None = Endpoint.objects.first()
    if found and Target.of(found) == target:
        found.checked_at, found.check_result = timezone.now(), answer.code
        found.save(update_fields=["checked_at", "check_result"])
