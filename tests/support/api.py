"""Programs that call the API: Acme's, one that may only read, and another workspace's."""

from collections.abc import Sequence

import pytest
from rest_framework.test import APIClient

from tenants.models import ApiKey, Tenant, User
from tenants.scope import tenant_scope

ALL = ("read", "write", "generate")


def key_for(tenant: Tenant, scopes: Sequence[str] = ALL, by: User | None = None) -> str:
    with tenant_scope(tenant):
        _, secret = ApiKey.issue(name="Test", scopes=list(scopes), created_by=by)
    return secret


def client_for(tenant: Tenant, scopes: Sequence[str] = ALL, by: User | None = None) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key_for(tenant, scopes, by)}")
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
