"""The database refuses when the application forgets: every tenant model, four verbs, three scopes.

All of it runs as the app's own role and past the managers. Each refusal has a positive control:
the same statement for the tenant's own row succeeds, so that a wall without a door fails too.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import Error, connection, models, transaction

from tenants.models import Membership, Tenant, User
from tenants.models_base import TenantForeignKey, TenantModel
from tenants.scope import lookup_scope, no_scope, tenant_scope
from tenants.services import workspace_create
from tests.support.rows import build_row, insert, make_row, make_tenant, tenant_models
from tests.support.tally import tally

pytestmark = pytest.mark.django_db
RLS = "row-level security"
NEVER_CHANGED = "never changed"

MODELS = [Tenant, *tenant_models()]
REFERENCES = [
    (model, field)
    for model in tenant_models()
    for field in model._meta.local_fields
    if isinstance(field, TenantForeignKey)
]


COUNT = tally(f"row security of {len(MODELS)} models")


@contextmanager
def undone() -> Iterator[None]:
    """Take back what the block did, so that each attempt finds the rows as they were."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def refused(row: models.Model, verb: str, scope: object) -> bool:
    """Whether the statement, in this scope, touches nothing."""
    COUNT.attempts += 1
    with undone():
        done = attempt(row, verb, scope)
    COUNT.failures += done
    return not done


def allowed(row: models.Model, verb: str, scope: object) -> bool:
    """The positive control: the statement reaches the row, where a trigger may still say never."""
    with undone():
        done = attempt(row, verb, scope)
    COUNT.controls += done
    return done


def attempt(row: models.Model, verb: str, scope: object) -> bool:
    with scope:  # type: ignore[attr-defined]
        try:
            with transaction.atomic():
                return VERBS[verb](row)
        except Error as error:
            if RLS in str(error):
                return False
            if NEVER_CHANGED in str(error):  # the row was seen: its own trigger refused
                return True
            raise


def rows_of(row: models.Model) -> models.QuerySet[models.Model]:
    return models.QuerySet(type(row)).filter(pk=row.pk)


def inserts(row: models.Model) -> bool:
    insert(row)
    return True


VERBS = {
    "SELECT": lambda row: rows_of(row).exists(),
    "INSERT": inserts,
    "UPDATE": lambda row: rows_of(row).update(id=row.pk) == 1,
    "DELETE": lambda row: rows_of(row)._raw_delete("default") == 1,
}


def saved(model: type[models.Model], tenant: Tenant) -> models.Model:
    if model is Tenant:
        return tenant
    assert issubclass(model, TenantModel)
    with tenant_scope(tenant):
        return make_row(model)


def unsaved(model: type[models.Model], tenant: Tenant) -> models.Model:
    if model is Tenant:
        return Tenant(name="New", slug=f"new-{tenant.slug}")
    assert issubclass(model, TenantModel)
    with tenant_scope(tenant):
        return build_row(model, attempt=1)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_rows_are_read_changed_and_deleted_by_their_own_tenant_alone(
    model: type[models.Model],
) -> None:
    mine, theirs = make_tenant(), make_tenant()
    row = saved(model, mine)
    for verb in ("SELECT", "UPDATE", "DELETE"):
        assert allowed(row, verb, tenant_scope(mine)), f"{verb} does not reach the own row"
        assert refused(row, verb, tenant_scope(theirs)), f"{verb} reaches another tenant's row"
        assert refused(row, verb, no_scope()), f"{verb} reaches a row without a scope"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_rows_are_added_for_ones_own_tenant_alone(model: type[models.Model]) -> None:
    mine, theirs = make_tenant(), make_tenant()
    row = unsaved(model, mine)
    own = tenant_scope(row if isinstance(row, Tenant) else mine)
    assert refused(row, "INSERT", tenant_scope(theirs))
    assert refused(row, "INSERT", no_scope())
    assert allowed(row, "INSERT", own)


@pytest.mark.parametrize("model", tenant_models(), ids=lambda model: model._meta.label)
def test_a_row_is_not_handed_to_another_tenant(model: type[TenantModel]) -> None:
    mine, theirs = make_tenant(), make_tenant()
    row = saved(model, mine)
    COUNT.attempts += 1
    with pytest.raises(Error, match=f"{RLS}|{NEVER_CHANGED}"), tenant_scope(mine):
        rows_of(row).update(tenant_id=theirs.pk)


@pytest.mark.parametrize(
    ("model", "field"), REFERENCES, ids=[f"{m._meta.label}.{f.name}" for m, f in REFERENCES]
)
def test_a_row_refers_to_its_own_tenants_rows_alone(
    model: type[TenantModel], field: TenantForeignKey
) -> None:
    mine, theirs = make_tenant(), make_tenant()
    target = field.remote_field.model
    foreign, own = saved(target, theirs), saved(target, mine)
    COUNT.attempts += 1
    with pytest.raises(Error, match='_own"'), undone():
        add_referring(model, field, foreign, mine)
    with undone():
        add_referring(model, field, own, mine)
    COUNT.controls += 1


def add_referring(
    model: type[TenantModel], field: TenantForeignKey, target: models.Model, tenant: Tenant
) -> None:
    with tenant_scope(tenant):
        row = build_row(model, attempt=1)
        setattr(row, field.attname, target.pk)
        insert(row)


@pytest.mark.parametrize("verb", ["INSERT", "UPDATE", "DELETE"])
def test_a_look_up_by_user_only_reads(acme: Tenant, alice: User, verb: str) -> None:
    row: models.Model = (
        models.QuerySet(Membership)
        .none()
        .model(user=User.objects.create_user("x@rows.test"), tenant=acme)
    )
    if verb != "INSERT":
        with tenant_scope(acme):
            row = Membership.objects.get()
        assert allowed(row, "SELECT", lookup_scope(user_id=alice.pk))
    assert refused(row, verb, lookup_scope(user_id=alice.pk))


def test_nobody_truncates() -> None:
    tables = [model._meta.db_table for model in MODELS]
    for table in tables:
        with pytest.raises(Error, match="permission denied"), transaction.atomic():
            connection.cursor().execute(f'TRUNCATE "{table}" CASCADE')


def test_a_new_workspace_starts_inside_its_own_walls(alice: User, acme: Tenant) -> None:
    other = workspace_create(owner=alice, name="Second")
    with tenant_scope(other):
        assert models.QuerySet(Tenant).count() == 1
