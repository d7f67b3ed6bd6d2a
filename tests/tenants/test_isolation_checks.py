"""Isolation as Postgres' catalogue shows it, and as the app's own role meets it."""

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from tenants.isolation_checks import violations
from tenants.lookups import all_workspaces, memberships_of, workspaces_of
from tenants.models import Membership, Tenant, User
from tenants.models_base import TenantQuerySet
from tenants.postgres.owner import as_owner
from tenants.rls import PIN
from tenants.scope import ScopeError, tenant_scope

pytestmark = pytest.mark.django_db


def test_tenants_are_isolated() -> None:
    assert violations() == []


def test_check_rls_counts_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check_rls")
    assert "no violation" in capsys.readouterr().out


def test_the_tests_run_as_the_app_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False,)


def test_managers_raise_outside_a_scope(acme: Tenant) -> None:
    with pytest.raises(ScopeError):
        Membership.objects.count()


def test_the_database_returns_nothing_outside_a_scope(acme: Tenant) -> None:
    assert TenantQuerySet(Membership).count() == 0
    with tenant_scope(acme):
        assert TenantQuerySet(Membership).count() == 1


def test_the_scope_follows_into_an_open_transaction(acme: Tenant, other: Tenant) -> None:
    with transaction.atomic():
        for tenant in (acme, other):
            with tenant_scope(tenant):
                assert TenantQuerySet(Membership).get().tenant_id == tenant.pk
        assert not TenantQuerySet(Membership).exists()


def test_a_user_finds_only_their_own_workspaces(
    acme: Tenant, other: Tenant, alice: User, charlie: User
) -> None:
    assert [workspace.slug for workspace in workspaces_of(alice.pk)] == ["acme"]
    assert [found.tenant.name for found in memberships_of(charlie.pk)] == ["Other"]
    assert [found.tenant.name for found in memberships_of(alice.pk)] == ["Acme"]


def test_operators_see_the_directory(acme: Tenant, other: Tenant) -> None:
    assert [workspace.slug for workspace in all_workspaces()] == ["acme", "other"]


@pytest.mark.django_db(transaction=True)
def test_a_statement_without_a_transaction_gets_one(acme: Tenant) -> None:
    with tenant_scope(acme):
        assert Membership.objects.count() == 1
    assert TenantQuerySet(Membership).count() == 0


def test_temporary_tables_do_not_stand_in_for_real_ones(acme: Tenant) -> None:
    """A SECURITY DEFINER function that finds the caller's own table would believe it."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE tenants_tenant (id uuid, name text, slug text)")
        cursor.execute("INSERT INTO tenants_tenant VALUES (gen_random_uuid(), 'Evil', 'evil')")
        cursor.execute("GRANT SELECT ON tenants_tenant TO PUBLIC")
    assert [workspace.slug for workspace in all_workspaces()] == ["acme"]


FORGETFUL = """
CREATE FUNCTION forgetful() RETURNS bigint LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public AS 'SELECT count(*) FROM tenants_tenant'
"""


@pytest.mark.django_db(transaction=True)
def test_a_function_that_trusts_temporary_tables_is_found_and_mended() -> None:
    """Over pg_proc, as it is in a database that older migrations made."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(FORGETFUL)
        cursor.execute("GRANT CREATE ON SCHEMA public TO kindling_dispatch")
        cursor.execute("ALTER FUNCTION forgetful OWNER TO kindling_dispatch")
        cursor.execute("REVOKE CREATE ON SCHEMA public FROM kindling_dispatch")
    try:
        assert violations() == [
            "SECURITY DEFINER function forgetful does not pin its search_path, pg_temp last."
        ]
        with as_owner(), connection.cursor() as cursor:
            cursor.execute(PIN)
        assert violations() == []
    finally:
        with as_owner(), connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION forgetful")
