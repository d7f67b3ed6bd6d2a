"""No tenant is ever left behind: not in the context, not on a connection, not by an error."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError, connection
from django.test import Client

from tenants import scope
from tenants.events import record
from tenants.forms import AuditFilterForm
from tenants.lookups import workspaces_of
from tenants.models import Membership, Tenant, User
from tenants.scope import ScopeError, current_tenant_id, no_scope, tenant_scope
from tenants.services import workspace_create
from tests.support.tally import tally

ClientFor = Callable[[User], Client]
CSV = "/w/{}/settings/audit.csv"
REQUESTS = 500
THREADS = 8
COUNT = tally("requests through the pool")


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    yield
    scope.reset()


def test_there_is_no_tenant_to_begin_with() -> None:
    with pytest.raises(ScopeError):
        current_tenant_id()


def test_scopes_nest_and_end() -> None:
    first, second = uuid4(), uuid4()
    with tenant_scope(first):
        with tenant_scope(second):
            assert current_tenant_id() == second
        with no_scope(), pytest.raises(ScopeError):
            current_tenant_id()
        assert current_tenant_id() == first
    assert scope.current().empty


def test_an_error_ends_the_scope_too() -> None:
    with pytest.raises(ZeroDivisionError), tenant_scope(uuid4()):
        1 / 0  # noqa: B018
    assert scope.current().empty


def test_another_thread_starts_without_a_scope() -> None:
    seen: list[bool] = []
    with tenant_scope(uuid4()):
        thread = threading.Thread(target=lambda: seen.append(scope.current().empty))
        thread.start()
        thread.join()
    assert seen == [True]


@pytest.mark.django_db
def test_a_request_forgets_what_was_left_in_its_thread(
    acme: Tenant, other: Tenant, charlie: User, client_for: ClientFor
) -> None:
    client = client_for(charlie)
    scope._scope.set(scope.Scope(tenant_id=acme.pk))  # as a careless middleware would
    assert client.get("/workspaces/new/").status_code == 200
    assert scope.current().empty
    scope._scope.set(scope.Scope(tenant_id=acme.pk))
    page = client.get(CSV.format("other"))
    assert b"charlie@other.test" in page.content
    assert b"alice@acme.test" not in page.content


@pytest.mark.django_db
def test_a_request_that_fails_leaves_nothing(
    acme: Tenant, alice: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a bug, in the middle of a request")

    client = client_for(alice)
    client.raise_request_exception = False
    with monkeypatch.context() as patch:
        patch.setattr("tenants.views.audit.AuditFilterForm", breaks)
        answer = client.get(CSV.format("acme"))
    assert answer.status_code == 500
    assert b"in the middle" not in answer.content
    assert scope.current().empty
    assert client.get(CSV.format("acme")).status_code == 200


@pytest.mark.django_db
def test_a_look_up_shows_only_what_it_is_for(acme: Tenant, alice: User, charlie: User) -> None:
    assert [found.slug for found in workspaces_of(alice.pk)] == ["acme"]
    assert workspaces_of(charlie.pk) == []
    assert scope.current().empty


@pytest.fixture
def pool() -> Iterator[list[str]]:
    """The app's connection pool, two connections small; lists what stuck to one on its return."""
    stuck: list[str] = []

    def look(raw: Any) -> None:
        with raw.cursor() as cursor:
            cursor.execute(
                "SELECT concat(current_setting('app.tenant', true),"
                " current_setting('app.user', true), current_setting('app.key_prefix', true))"
            )
            stuck.append(cursor.fetchone()[0])
        raw.rollback()

    connection.close()  # it is none of the pool's
    options = connection.settings_dict["OPTIONS"]
    options["pool"] = {"min_size": 2, "max_size": 2, "timeout": 60, "reset": look}
    yield stuck
    connection.close()
    connection.close_pool()
    del options["pool"]


@pytest.mark.django_db(transaction=True)
def test_the_pool_keeps_nothing_of_a_tenant(
    pool: list[str], monkeypatch: pytest.MonkeyPatch, client_for: ClientFor
) -> None:
    """Ten workspaces, eight threads, two connections; every twentieth request breaks half-way."""
    owners = [User.objects.create_user(f"owner{n}@pool.test") for n in range(10)]
    slugs = [planted(owner).slug for owner in owners]
    clients = [client_for(owner) for owner in owners]
    connection.close()
    breaking(monkeypatch)

    def ask(number: int) -> int:
        mine = number % len(slugs)
        clients_own = Client(raise_request_exception=False)
        clients_own.cookies = clients[mine].cookies
        path = CSV.format(slugs[mine]) + ("?break=1" if number % 20 == 0 else "")
        try:
            return judge(clients_own.get(path), f"canary-owner{mine}@", breaks=number % 20 == 0)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as threads:
        COUNT.failures += sum(threads.map(ask, range(REQUESTS)))
    COUNT.attempts += REQUESTS
    COUNT.controls += REQUESTS - REQUESTS // 20
    assert COUNT.failures == 0
    connection.close_pool()  # waits for its workers, who look at what was returned last
    assert len(pool) >= REQUESTS
    assert set(pool) == {""}, "something stuck to a connection"


def planted(owner: User) -> Tenant:
    tenant = workspace_create(owner=owner, name="Pool")
    with tenant_scope(tenant):
        record("workspace.renamed", after=f"canary-{owner.email}")
    return tenant


def breaking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a request fail after its rows were read, where its address says so."""

    class Form(AuditFilterForm):
        def rows(self) -> Any:
            list(super().rows())
            if "break" in self.data:
                raise RuntimeError("half-way")
            return super().rows()

    monkeypatch.setattr("tenants.views.audit.AuditFilterForm", Form)


def judge(answer: Any, canary: str, *, breaks: bool) -> int:
    """1 for an answer that is wrong or holds another workspace's canary."""
    text = answer.content.decode()
    foreign = text.count("canary-") != text.count(canary)
    return int(foreign or (answer.status_code != 200 and not breaks))


def test_a_tenant_is_known_by_its_id_alone() -> None:
    tenant_id = uuid4()
    with tenant_scope(tenant_id):
        assert scope.current().tenant_id == tenant_id
        assert isinstance(current_tenant_id(), UUID)


@pytest.mark.django_db
def test_a_scope_for_a_tenant_that_does_not_exist_is_empty() -> None:
    with tenant_scope(uuid4()):
        assert not Membership.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_51_a_connection_that_broke_is_an_error_of_the_database(acme: Tenant) -> None:
    """Telling it the scope is the first thing done with it, so this is where it is noticed."""
    connection.ensure_connection()
    connection.connection.close()
    with tenant_scope(acme), pytest.raises(OperationalError):
        Membership.objects.count()
    connection.close()
    with tenant_scope(acme):
        assert Membership.objects.count() > 0


@pytest.mark.django_db
def test_rows_know_the_tenant_in_scope_without_asking(
    acme: Tenant, other: Tenant, django_assert_num_queries: Any
) -> None:
    with tenant_scope(acme):
        (member,) = Membership.objects.all()
        with django_assert_num_queries(0):
            assert member.tenant is acme
    with tenant_scope(other.pk):
        (member,) = Membership.objects.all()
        with django_assert_num_queries(1):
            assert member.tenant == other
