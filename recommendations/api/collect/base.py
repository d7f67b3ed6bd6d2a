"""Who may send events from a page: a public key, pages of its origins, and only so often."""

from typing import Any

import redis
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from saas.api import limiter
from saas.api.limiter import Charge, Policy
from saas.errors import AppError, NotAuthenticated, TooManyRequests, Unavailable
from tenants.authentication import admitted
from tenants.billing.limits import limit
from tenants.lookups import find_api_key
from tenants.models import ApiKey, Role

PREFIX = "/collect/"
WINDOW_S = 60
LIMIT = "collected"
# Requests in a minute from one address: a person's, however many pages they have open.
PER_ADDRESS = 120


class OriginNotAllowed(AppError):
    status, code = 403, "origin_not_allowed"
    title = gettext_lazy("The key is not for pages of this origin.")
    advice = gettext_lazy("Add the page's origin to the key, in the room Recommend under Connect.")


def authenticate(request: HttpRequest) -> tuple[ApiKey, Role] | None:
    """A public key of the address; raises AppError where it is no good."""
    secret = request.GET.get("key", "")
    return admitted(find_api_key(secret), ApiKey.Kind.PUBLIC) if secret else None


def origin_of(request: HttpRequest) -> str:
    return request.headers.get("Origin", "").lower()


class FromOrigin(BasePermission):
    """The key is there, and the page is one of its origins'."""

    def has_permission(self, request: Request, view: Any) -> bool:
        key: Any = request.auth
        if key is None:
            raise NotAuthenticated
        if origin_of(request._request) not in key.origins:
            raise OriginNotAllowed
        return True


class CollectThrottle(BaseThrottle):
    """So many requests a minute with one key, and so many from one address."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if request.method == "OPTIONS":
            return True
        key: Any = request.auth
        address = request.META.get("REMOTE_ADDR", "")
        charges = [
            Charge(Policy("collect", max(1, limit(LIMIT)), WINDOW_S)),
            Charge(Policy(f"collect from {address}", PER_ADDRESS, WINDOW_S)),
        ]
        try:
            verdict = limiter.admit(key.pk, charges)
        except redis.RedisError as error:
            raise Unavailable(_("Nothing can be changed at this moment.")) from error
        if not verdict.admitted:
            wait = max(1, verdict.refused_by.retry_after)
            raise TooManyRequests(_("Too many requests with this key."), retry_after=wait)
        return True

    def wait(self) -> None:
        """A refusal is raised where it happens."""
