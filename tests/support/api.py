"""Programs that call the API: Acme's, one that may only read, and another workspace's."""

from collections.abc import Sequence

import pytest
from rest_framework.test import APIClient

from tenants.models import ApiKey, Role, Tenant, User
from tenants.scope import tenant_scope

ALL = ("read", "write", "generate", "approve")


def key_for(
    tenant: Tenant, scopes: Sequence[str] = ALL, by: User | None = None, role: str = Role.OWNER
) -> str:
    """The secret of somebody's personal key, or else of a service account with this role."""
    own = "" if by else role
    with tenant_scope(tenant):
        _, secret = ApiKey.issue(name="Test", scopes=list(scopes), created_by=by, role=own)
    return secret


def client_for(
    tenant: Tenant, scopes: Sequence[str] = ALL, by: User | None = None, role: str = Role.OWNER
) -> APIClient:
    client = APIClient()
    secret = key_for(tenant, scopes, by, role)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


@pytest.fixture
def api(acme: Tenant, alice: User) -> APIClient:
    """Acme's program, with every scope."""
    return client_for(acme, by=alice)


@pytest.fixture
def reader(acme: Tenant) -> APIClient:
    """Acme's program that may only read."""
    return client_for(acme, ["read"])


@pytest.fixture
def stranger(other: Tenant) -> APIClient:
    """Another workspace's program."""
    return client_for(other)
