"""A workspace's own model server: set up, tried out, switched, removed; only an owner may."""

import time
from dataclasses import dataclass
from typing import Any

import httpx
from django.db import transaction
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
from saas.errors import Invalid, NotFound
from saas.outbound import NameUnknown, UrlNotAllowed, check_url
from tenants.actors import require
from tenants.events import record
from tenants.models import Role

CHECK_S = 15.0
QUESTION = Message("user", "Say hello.")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a try of a model server came to: "ok" or a trouble's code, and how long it took."""

    code: str
    seconds: float


@transaction.atomic
def endpoint_save(*, fields: dict[str, Any], key: str | None) -> Endpoint:
    """Set the model server up, or change it; the key stays where none is given.

    Raises Invalid where the address is not allowed, or a key would go to another server than the
    one that it was entered for.
    """
    require(Role.OWNER)
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
    record("endpoint.added" if added else "endpoint.changed", found, **changes)
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
def endpoint_switch(*, enabled: bool) -> Endpoint:
    """Take the model server into use, or out of it."""
    require(Role.OWNER)
    found = _locked()
    found.enabled = enabled
    found.save(update_fields=["enabled", "updated_at"])
    record("endpoint.enabled" if enabled else "endpoint.disabled", found)
    return found


@transaction.atomic
def endpoint_delete() -> None:
    """Forget the model server and its key."""
    require(Role.OWNER)
    found = _locked()
    record("endpoint.deleted", found)
    found.delete()


def _locked() -> Endpoint:
    found: Endpoint | None = Endpoint.objects.select_for_update().first()
    if found is None:
        raise NotFound
    return found


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
