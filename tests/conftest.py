"""The database as the real app role, and a fixed cast around Acme.

Alice owns it, Ada administers, Bob edits, Victor views; Charlie owns another workspace.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import setup_databases, teardown_databases

from saas.messages import compile_messages
from tenants.billing.prices import price_list
from tenants.models import Membership, Role, Tenant, User
from tenants.postgres.owner import as_owner
from tenants.scope import tenant_scope
from tenants.services import workspace_create
from tests.support.tally import TALLIES


def pytest_configure() -> None:
    compile_messages()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for count in TALLIES.values():
        if count.attempts:
            terminalreporter.write_line(str(count))


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_blocker: Any,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """Made by the owner, used by the app's role: otherwise row security is not tested at all."""
    with django_db_blocker.unblock():
        real = connection.settings_dict["NAME"]
        with as_owner():
            made = setup_databases(verbosity=0, interactive=False, serialized_aliases=())
            name = connection.settings_dict["NAME"]
        connection.settings_dict["NAME"] = name
    yield
    with django_db_blocker.unblock():
        connection.close()
        with as_owner():
            teardown_databases(made, verbosity=0)
        connection.settings_dict["NAME"] = real


@pytest.fixture(autouse=True)
def _fresh_memory() -> None:
    """What outlives a test's transaction: the cache, Valkey, the prices that a process knows."""
    cache.clear()
    price_list.forget()
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()


def member(tenant: Tenant, email: str, role: str) -> User:
    user = User.objects.create_user(email, "correct horse battery")
    with tenant_scope(tenant):
        Membership.objects.create(user=user, role=role)
    return user


@pytest.fixture
def alice(db: None) -> User:
    """Owns Acme."""
    return User.objects.create_user("alice@acme.test", "correct horse battery", name="Alice")


@pytest.fixture
def acme(alice: User) -> Tenant:
    return workspace_create(owner=alice, name="Acme", slug="acme")


@pytest.fixture
def ada(acme: Tenant) -> User:
    """Administers Acme."""
    return member(acme, "ada@acme.test", Role.ADMIN)


@pytest.fixture
def bob(acme: Tenant) -> User:
    """Edits at Acme."""
    return member(acme, "bob@acme.test", Role.EDITOR)


@pytest.fixture
def victor(acme: Tenant) -> User:
    """Only looks at Acme."""
    return member(acme, "victor@acme.test", Role.VIEWER)


@pytest.fixture
def client_for() -> Callable[[User], Client]:
    """A browser in which the user is signed in."""

    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def charlie(db: None) -> User:
    """Owns another workspace and must see nothing of Acme."""
    return User.objects.create_user("charlie@other.test", "correct horse battery")


@pytest.fixture
def other(charlie: User) -> Tenant:
    return workspace_create(owner=charlie, name="Other", slug="other")
