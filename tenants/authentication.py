"""API keys at the door: `Authorization: Bearer sk_…`, and what a key's scopes allow."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from saas.errors import (
    InsufficientRole,
    InsufficientScope,
    NotAuthenticated,
    TenantErased,
    TenantSuspended,
)
from tenants.errors import KeyInUrl
from tenants.lookups import find_api_key
from tenants.models import ApiKey, Role, Tenant
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    from rest_framework.views import APIView  # imports this module through DRF's settings


Authenticator = Callable[[HttpRequest], "tuple[ApiKey, Role] | None"]


def authenticate_key(request: HttpRequest) -> tuple[ApiKey, Role] | None:
    """The request's API key, and what it may be now; None where it shows none.

    Raises AppError where the key is no good, or its maker is no member any more.
    """
    refuse_key_in_url(request)
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    if not kind:
        return None
    return admitted(find_api_key(secret.strip()) if kind.lower() == "bearer" else None)


def admitted(key: ApiKey | None, kind: str = ApiKey.Kind.SECRET) -> tuple[ApiKey, Role]:
    """The key with its workspace, and what it may be now; raises AppError where it is no good."""
    if key is None or not key.live or key.kind != kind:
        raise NotAuthenticated("The API key is unknown, expired or revoked.")
    with tenant_scope(key.workspace_id):
        key.tenant = Tenant.objects.get(pk=key.workspace_id)
        refuse_closed(key.tenant)
        role = key.acting_role()
        if role is None:
            raise NotAuthenticated("Who made this API key is no longer a member of its workspace.")
        key.mark_used()
    return key, role


_authenticators: dict[str, Authenticator] = {
    "/api/v1/": authenticate_key,
    "/v1/": authenticate_key,
}


def authenticate_below(prefix: str, authenticator: Authenticator) -> None:
    """Say how programs show their keys below a path; in your AppConfig.ready()."""
    _authenticators[prefix] = authenticator


def authenticator_of(path: str) -> Authenticator | None:
    """How programs show their keys at this path; None where people sign in."""
    known = (found for prefix, found in _authenticators.items() if path.startswith(prefix))
    return next(known, None)


def refuse_key_in_url(request: HttpRequest) -> None:
    secrets = (ApiKey.PREFIXES[ApiKey.Kind.SECRET], ApiKey.PREFIXES[ApiKey.Kind.SIGNING])
    if any(str(value).startswith(secrets) for value in request.GET.values()):
        raise KeyInUrl(
            "An API key stands in the URL, where logs keep it. Send it as a header and revoke it."
        )


def refuse_closed(tenant: Tenant) -> None:
    if tenant.status == Tenant.Status.SUSPENDED:
        raise TenantSuspended
    if tenant.status == Tenant.Status.ERASING:
        raise TenantErased


class ApiKeyAuthentication(BaseAuthentication):
    """Hands DRF the key that the middleware has already checked."""

    def authenticate(self, request: Request) -> tuple[Any, ApiKey] | None:
        key: ApiKey | None = getattr(request._request, "api_key", None)
        return (key.created_by_id, key) if key else None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="kindling"'


class HasScope(BasePermission):
    """The key needs a scope, and whoever it acts for a role, as the view says.

    For reading: any of `readable_with`. For the rest: `scope`, and the least `role`.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if request.auth is None:
            raise NotAuthenticated
        scopes, role = needs(request, view)
        key: Any = request.auth
        if not scopes & set(key.scopes):
            raise InsufficientScope(f"This key lacks the scope “{' or '.join(sorted(scopes))}”.")
        if not request._request.role.covers(role):  # type: ignore[attr-defined]
            raise InsufficientRole("The key's role does not allow this.", needed=role)
        return True


def needs(request: Request, view: "APIView") -> tuple[set[str], str]:
    """The scopes, of which one is needed, and the least role."""
    if request.method in SAFE_METHODS:
        return set(getattr(view, "readable_with", [ApiKey.Scope.READ])), Role.VIEWER
    scope, role = getattr(view, "scope", ApiKey.Scope.WRITE), getattr(view, "role", Role.EDITOR)
    return {str(scope)}, str(role)
