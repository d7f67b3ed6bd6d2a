"""What changes more than one row of a workspace at once."""

import secrets
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils.text import slugify

from tenants.models import ApiKey, AuditEvent, Membership, Role, Tenant, User
from tenants.scope import tenant_scope


@transaction.atomic
def workspace_create(*, owner: User, name: str, slug: str = "") -> Tenant:
    """A new workspace with its first member."""
    tenant = Tenant(name=name, slug=slug or fresh_slug(name))
    with tenant_scope(tenant):
        tenant.save(force_insert=True)
        Membership.objects.create(user=owner, role=Role.OWNER)
        audit(action="workspace.created", actor=owner, target=tenant.slug)
    return tenant


def fresh_slug(name: str) -> str:
    """An address for the workspace: its name, and a few random letters against collisions."""
    return f"{slugify(name)[:50] or 'workspace'}-{secrets.token_hex(2)}"


def audit(
    *,
    action: str,
    actor: User | None = None,
    api_key: ApiKey | None = None,
    target: Any = "",
    request: HttpRequest | None = None,
    **details: Any,
) -> AuditEvent:
    """Note who did what in the workspace in scope."""
    return AuditEvent.objects.create(
        action=action,
        actor=actor,
        api_key=api_key,
        target=str(target)[:120],
        details=details,
        address=request.META.get("REMOTE_ADDR") or None if request else None,
        request_id=getattr(request, "request_id", ""),
    )
