"""Look-ups before the tenant is known: by user, API key and invitation; the operators' list."""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.http import HttpRequest

from tenants.models import ApiKey, Invitation, Membership, Role
from tenants.models_base import TenantQuerySet
from tenants.scope import lookup_scope


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace as the switcher and the operator's list show it."""

    id: UUID
    name: str
    slug: str
    role: str = ""

    def may(self, role: str) -> bool:
        """Whether the user's role there covers another."""
        return bool(self.role) and Role(self.role).covers(role)


def _memberships() -> "TenantQuerySet[Membership]":
    """Memberships as the look-up policy shows them: the user's own, in every workspace."""
    return TenantQuerySet(Membership)


def memberships_of(user_id: UUID) -> list[Membership]:
    """The user's memberships, with their tenants loaded, by the workspaces' names."""
    with lookup_scope(user_id=user_id), transaction.atomic():
        rows = list(_memberships().filter(user_id=user_id).select_related("tenant"))
    return sorted(rows, key=lambda membership: membership.tenant.name.lower())


def workspaces_of(user_id: UUID) -> list[Workspace]:
    """The user's workspaces with their role in each, by name."""
    return as_workspaces(memberships_of(user_id))


def workspaces_seen_by(request: HttpRequest) -> list[Workspace]:
    """Those of whoever is signed in; the middleware looked them up where it needed one of them."""
    found: list[Membership] | None = getattr(request, "memberships", None)
    if found is None:
        found = memberships_of(request.user.pk) if request.user.pk else []
    return as_workspaces(found)


def as_workspaces(memberships: list[Membership]) -> list[Workspace]:
    return [
        Workspace(each.tenant.pk, each.tenant.name, each.tenant.slug, each.role)
        for each in memberships
    ]


def find_api_key(secret: str) -> ApiKey | None:
    """The key that has this secret, with its tenant's id; None where there is none."""
    prefix = ApiKey.prefix_of(secret)
    keys = api_keys_with(prefix) if prefix else []
    return next((key for key in keys if key.matches(secret)), None)


def api_keys_with(prefix: str) -> list[ApiKey]:
    """The keys whose secret begins like this, of whichever workspace."""
    with lookup_scope(key_prefix=prefix), transaction.atomic():
        rows: TenantQuerySet[ApiKey] = TenantQuerySet(ApiKey).filter(prefix=prefix)
        return list(rows.select_related("created_by"))


def find_invitation(secret_sha256: str) -> Invitation | None:
    """The invitation whose link carries the secret with this hash."""
    with lookup_scope(invitation=secret_sha256), transaction.atomic():
        return TenantQuerySet(Invitation).filter(secret_sha256=secret_sha256).first()


def all_workspaces() -> list[Workspace]:
    """Every workspace, for operators: commands, and the admin's audited switch."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, name, slug FROM tenants_directory()")
        return [Workspace(*row) for row in cursor.fetchall()]
