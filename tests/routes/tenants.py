"""Routes of workspaces, members, keys and the audit log."""

from typing import Any

from tenants.models import ApiKey, Invitation, Membership, Role, Tenant, User
from tenants.scope import tenant_scope
from tests.routes.table import Route, get, post


def colleague(tenant: Tenant, owner: User) -> dict[str, Any]:
    user = User.objects.create_user(f"colleague@{tenant.slug}.test")
    with tenant_scope(tenant):
        return {"pk": Membership.objects.create(user=user, role=Role.VIEWER).pk}


def invitation(tenant: Tenant, owner: User) -> dict[str, Any]:
    with tenant_scope(tenant):
        made = Invitation(email="dora@new.test", role=Role.VIEWER, invited_by=owner)
        made.renew()
        return {"pk": made.pk}


def secret(tenant: Tenant, owner: User) -> dict[str, Any]:
    with tenant_scope(tenant):
        return {"token": Invitation(email="dora@new.test", invited_by=owner).renew()}


def api_key(tenant: Tenant, owner: User) -> dict[str, Any]:
    with tenant_scope(tenant):
        return {"pk": ApiKey.issue(name="Site", scopes=["read"], created_by=owner)[0].pk}


ROUTES = {
    "search": Route(get("viewer")),
    "undo": Route(post("editor"), kwargs={"token": "none"}),
    "confirm-address": Route({}),  # about nobody but the caller: tests/tenants/test_security.py
    "workspace-new": Route(get("user") | post("user", name="Another")),
    "profile": Route(get("user") | post("user", name="New name")),
    # By the link's secret alone: test_invitations.py
    "invitation-link": Route({}, row=secret),
    "invitation": Route({}),
    "invitation-switch": Route({}),
    "mailbox": Route(get("public")),  # in demos and tests alone: test_mailbox.py
    "settings-general": Route(get("admin") | post("admin", name="Acme Foods", time_zone="UTC")),
    "team": Route(get("viewer")),
    "team-invite": Route(post("admin", 201, email="new@new.test", role="viewer")),
    "member-role": Route(post("admin", role="editor"), row=colleague),
    "member-remove": Route(post("admin"), row=colleague),
    "invitation-resend": Route(post("admin", 201), row=invitation),
    "invitation-revoke": Route(post("admin"), row=invitation),
    "api-keys": Route(get("admin") | post("admin", 201, name="Site", scopes=["read"], days="30")),
    "api-key-revoke": Route(post("admin"), row=api_key),
    "audit": Route(get("admin")),
    "audit-csv": Route(get("admin")),
}
