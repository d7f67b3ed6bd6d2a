"""Finds out for which tenant a request works, and makes sure that nothing of it stays behind."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

from allauth.usersessions.models import UserSession
from django.db import OperationalError, transaction
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from saas.errors import AppError, Unavailable, error_page, not_found, problem_response
from saas.shell import remember_workspace
from tenants import actors, scope
from tenants.actors import Actor, acting
from tenants.authentication import Authenticator, authenticator_of, refuse_closed
from tenants.lookups import memberships_of
from tenants.models import Tenant

GetResponse = Callable[[HttpRequest], HttpResponseBase]
# All that the URL patterns take for a slug: an address that this missed would have no scope.
WORKSPACE_PATH = re.compile(r"^/w/(?P<slug>[-a-zA-Z0-9_]+)/")
# What the session holds of its last use, and how exact that is.
SEEN, SEEN_EVERY_S = "seen", 300


class ResetScopeMiddleware:
    """The outermost middleware: a request begins and ends in nobody's scope, and nobody acts."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        reset()
        try:
            return self.get_response(request)
        finally:
            reset()


def reset() -> None:
    scope.reset()
    actors.reset()


class SessionActivityMiddleware:
    """Notes when and from where a session was used last: not at each request, as it is written."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.session.session_key and request.user.is_authenticated:
            now = f"{int(time.time()) // SEEN_EVERY_S} {request.META.get('REMOTE_ADDR')}"
            if request.session.get(SEEN) != now:
                UserSession.objects.create_from_request(request)
                request.session[SEEN] = now
        return self.get_response(request)


class TenantMiddleware:
    """Enters the scope of the workspace in the path (portal) or of the API key (API).

    Whoever is signed in, or the key, is the one who acts.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if authenticator := authenticator_of(request.path_info):
            return self._with_api_key(request, authenticator)
        with acting(lambda: signed_in(request)):
            if match := WORKSPACE_PATH.match(request.path_info):
                return self._in_workspace(request, match["slug"])
            return self.get_response(request)

    def _in_workspace(self, request: HttpRequest, slug: str) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect(f"{reverse('account_login')}?next={quote(request.get_full_path())}")
        memberships = memberships_of(request.user.pk)
        membership = next((each for each in memberships if each.tenant.slug == slug), None)
        if membership is None:
            return self._hidden(request)
        try:
            refuse_closed(membership.tenant)
        except AppError as error:
            return error_page(request, error)
        request.membership = membership  # type: ignore[attr-defined]
        request.memberships = memberships  # type: ignore[attr-defined]
        remember_workspace(request, slug)
        with timezone.override(membership.tenant.time_zone):
            return self._scoped(request, membership.tenant)

    def _with_api_key(self, request: HttpRequest, authenticator: Authenticator) -> HttpResponseBase:
        try:
            with transaction.atomic():
                found = authenticator(request)
        except AppError as error:
            return problem_response(error, request)
        except OperationalError:
            return problem_response(Unavailable(), request)
        if found is None:  # the view decides whether it may be read by anybody
            return self.get_response(request)
        key, request.role = found  # type: ignore[attr-defined]
        request.api_key = key  # type: ignore[attr-defined]
        user = key.created_by if key.personal else None
        with acting(replace(origin(request), user=user, api_key=key)):
            return self._scoped(request, key.tenant)

    def _scoped(self, request: HttpRequest, tenant: Tenant) -> HttpResponseBase:
        request.tenant = tenant  # type: ignore[attr-defined]
        with scope.tenant_scope(tenant):
            return self.get_response(request)

    def _hidden(self, request: HttpRequest) -> HttpResponseBase:
        """The same answer as for a workspace that does not exist."""
        return not_found(request, Http404())


def signed_in(request: HttpRequest) -> Actor:
    """The person of the session, if there is one."""
    user = request.user if request.user.is_authenticated else None
    return replace(origin(request), user=user)


def origin(request: HttpRequest) -> Actor:
    """Nobody yet, from this address and in this request."""
    address, request_id = request.META.get("REMOTE_ADDR"), getattr(request, "request_id", "")
    return Actor(address=address or "", request_id=request_id)
