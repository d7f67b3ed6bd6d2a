"""Outside a scope every manager of every tenant model raises, whatever is asked of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import models
from django.db.models import Count

from tenants.actors import Actor, acting
from tenants.events import record
from tenants.models import ApiKey, AuditEvent, Membership, Tenant, User
from tenants.models_base import TenantManager, TenantModel
from tenants.scope import ScopeError, no_scope, tenant_scope
from tests.support.rows import build_row, make_row, make_tenant, tenant_models
from tests.support.tally import tally

pytestmark = pytest.mark.django_db
Asks = dict[str, Callable[[Any, Any], Any]]
COUNT = tally(f"managers of {len(tenant_models())} models outside a scope")


def run(ask: Callable[[Any], Awaitable[Any]]) -> Callable[[Any, Any], Any]:
    async def awaited(rows: Any) -> Any:
        return await ask(rows)

    return lambda rows, row: asyncio.run(awaited(rows))


async def drained(rows: Any) -> list[Any]:
    return [row async for row in rows]


READS: Asks = {
    "all": lambda rows, row: list(rows.all()),
    "get": lambda rows, row: rows.get(pk=row.pk),
    "filter": lambda rows, row: list(rows.filter(pk=row.pk)),
    "exclude": lambda rows, row: list(rows.exclude(pk=uuid4())),
    "count": lambda rows, row: rows.count(),
    "exists": lambda rows, row: rows.exists(),
    "aggregate": lambda rows, row: rows.aggregate(n=Count("pk")),
    "first": lambda rows, row: rows.first(),
    "latest": lambda rows, row: rows.latest("created_at"),
    "iterator": lambda rows, row: list(rows.iterator()),
    "in_bulk": lambda rows, row: rows.in_bulk([row.pk]),
    "values": lambda rows, row: list(rows.values()),
    "values_list": lambda rows, row: list(rows.values_list("pk", flat=True)),
    "select_related": lambda rows, row: list(rows.select_related("tenant")),
    "defer": lambda rows, row: list(rows.defer("created_at")),
    "raw": lambda rows, row: list(rows.raw(f'SELECT * FROM "{row._meta.db_table}"')),
    "dates": lambda rows, row: list(rows.datetimes("created_at", "day")),
    "select_for_update": lambda rows, row: list(rows.select_for_update()),
    "union": lambda rows, row: list(rows.union(rows.all())),
    "explain": lambda rows, row: rows.explain(),
}
WRITES: Asks = {
    "update": lambda rows, row: rows.update(created_at=row.created_at),
    "delete": lambda rows, row: rows.all().delete(),
    "create": lambda rows, row: rows.create(),
    "bulk_create": lambda rows, row: rows.bulk_create([row]),
    "bulk_update": lambda rows, row: rows.bulk_update([row], ["created_at"]),
    "get_or_create": lambda rows, row: rows.get_or_create(pk=row.pk),
    "update_or_create": lambda rows, row: rows.update_or_create(pk=row.pk),
}
ASYNC: Asks = {
    "aget": lambda rows, row: run(lambda found: found.aget(pk=row.pk))(rows, row),
    "acount": run(lambda rows: rows.acount()),
    "aexists": run(lambda rows: rows.aexists()),
    "afirst": run(lambda rows: rows.afirst()),
    "aiterator": run(lambda rows: drained(rows.all())),
    "acreate": run(lambda rows: rows.acreate()),
}
ON_ROW: dict[str, Callable[[Any], Any]] = {
    "save": lambda row: row.save(),
    "delete": lambda row: row.delete(),
    "refresh_from_db": lambda row: row.refresh_from_db(),
    "new": lambda row: type(row)().save(),
}


@pytest.fixture
def tenant(db: None) -> Tenant:
    return make_tenant()


def raises(act: Callable[[], Any], what: str) -> None:
    COUNT.attempts += 1
    try:
        with no_scope():
            act()
    except ScopeError:
        return
    COUNT.failures += 1
    pytest.fail(f"{what} did not raise outside a scope")


@pytest.mark.parametrize("model", tenant_models(), ids=lambda model: model._meta.label)
def test_every_question_raises(model: type[TenantModel], tenant: Tenant) -> None:
    with tenant_scope(tenant):
        row = make_row(model)
    for manager in managers(model):
        for name, ask in {**READS, **WRITES, **ASYNC}.items():
            raises(lambda m=manager, a=ask: a(m, row), f"{model.__name__}.{manager.name}.{name}")


@pytest.mark.parametrize("model", tenant_models(), ids=lambda model: model._meta.label)
def test_every_write_of_one_row_raises(model: type[TenantModel], tenant: Tenant) -> None:
    with tenant_scope(tenant):
        row = make_row(model)
    for name, act in ON_ROW.items():
        raises(lambda a=act: a(row), f"{model.__name__}().{name}")


@pytest.mark.parametrize("model", tenant_models(), ids=lambda model: model._meta.label)
def test_inside_its_scope_every_read_answers(model: type[TenantModel], tenant: Tenant) -> None:
    with tenant_scope(tenant):
        row = make_row(model)
        for name, ask in READS.items():
            if name != "raw":  # raw SQL is checked by the database alone
                ask(model._default_manager, row)
                COUNT.controls += 1


def managers(model: type[TenantModel]) -> list[models.Manager[Any]]:
    """The declared ones, and those that Django uses behind one's back."""
    found = {manager.name: manager for manager in model._meta.managers}
    return [*found.values(), model._base_manager]


@pytest.mark.parametrize("model", tenant_models(), ids=lambda model: model._meta.label)
def test_every_manager_is_a_scoped_one(model: type[TenantModel]) -> None:
    assert all(isinstance(manager, TenantManager) for manager in managers(model))


def test_every_model_with_a_tenant_is_a_tenant_model() -> None:
    """A table that names a tenant and is not closed would be a hole."""
    loose = [
        model._meta.label
        for model in apps.get_models()
        if not issubclass(model, TenantModel)
        for field in model._meta.local_fields
        if isinstance(field, models.ForeignKey)
        and (
            field.remote_field.model is Tenant or issubclass(field.remote_field.model, TenantModel)
        )
    ]
    assert loose == []


def test_related_managers_raise(acme: Tenant, alice: User) -> None:
    raises(lambda: list(alice.memberships.all()), "user.memberships.all")
    raises(lambda: alice.memberships.count(), "user.memberships.count")
    raises(lambda: alice.memberships.create(), "user.memberships.create")
    with tenant_scope(acme):
        assert alice.memberships.count() == 1
        COUNT.controls += 1


def test_following_a_reference_raises(acme: Tenant, alice: User) -> None:
    with tenant_scope(acme):
        key, _ = ApiKey.issue(name="Site", scopes=["read"], created_by=alice)
        with acting(Actor(api_key=key)):
            pk = record("api_key.issued", key).pk
        event = AuditEvent.objects.get(pk=pk)
    raises(lambda: event.api_key, "event.api_key")


def test_prefetching_raises(acme: Tenant, alice: User) -> None:
    users = User.objects.filter(pk=alice.pk)
    raises(lambda: list(users.prefetch_related("memberships")), "prefetch_related")
    with tenant_scope(acme):
        assert len(users.prefetch_related("memberships").get().memberships.all()) == 1
        COUNT.controls += 1


def test_a_queryset_built_in_one_scope_returns_nothing_in_another(
    acme: Tenant, other: Tenant
) -> None:
    with tenant_scope(acme):
        rows = Membership.objects.all()
    COUNT.attempts += 2
    with tenant_scope(other):
        assert list(rows.all()) == []
    with no_scope():
        assert list(rows.all()) == []
    with tenant_scope(acme):
        assert len(rows.all()) == 1
        COUNT.controls += 1


def test_a_row_is_not_saved_in_another_tenants_scope(acme: Tenant, other: Tenant) -> None:
    with tenant_scope(acme):
        row = Membership.objects.get()
    for name, refusal in {
        "save": ScopeError,
        "delete": ScopeError,
        "refresh_from_db": Membership.DoesNotExist,
    }.items():
        COUNT.attempts += 1
        with tenant_scope(other), pytest.raises(refusal):
            ON_ROW[name](row)
    with tenant_scope(other), pytest.raises(ScopeError):
        Membership.objects.bulk_create([row])


def test_a_new_row_belongs_to_the_tenant_in_scope(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        for model in tenant_models():
            assert build_row(model).tenant_id == tenant.pk
