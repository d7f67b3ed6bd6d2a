"""Reads from Postgres' own catalogue whether tenants are isolated from each other."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models

from tenants.models import Tenant
from tenants.models_base import TenantModel
from tenants.rls import DISPATCH_ROLE, reference_name, references

# The directory of workspaces: its address is a part of URLs, and so is unique over all of them.
GLOBAL_UNIQUES = {("tenants_tenant", "slug")}


def tenant_models() -> list[type[models.Model]]:
    """Every model whose rows belong to one tenant, and the tenant itself."""
    return [Tenant, *(model for model in apps.get_models() if issubclass(model, TenantModel))]


def tenant_tables() -> list[str]:
    return [model._meta.db_table for model in tenant_models()]


def missing_tables() -> list[str]:
    """The tables of tenants that migrations have not made yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NULL",
            [tenant_tables()],
        )
        return [name for (name,) in cursor.fetchall()]


def violations() -> list[str]:
    """What is wrong with the isolation, one sentence each; empty where it holds."""
    return [*_role(), *_tables(), *_uniques(), *_references(), *_functions(), *_views()]


def assert_isolation() -> None:
    """For the start of web and worker: better no service than one without isolation."""
    if found := violations():
        raise ImproperlyConfigured(
            "Workspaces are not isolated from each other. " + " ".join(found)
        )


def _rows(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def _role() -> Iterator[str]:
    (role,) = _rows(
        "SELECT rolname, rolsuper, rolbypassrls, EXISTS ("
        " SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relowner = r.oid"
        "), has_schema_privilege('public', 'CREATE') FROM pg_roles r WHERE rolname = current_user"
    )
    name, superuser, bypass, owner, create = role
    if superuser:
        yield f"The app runs as {name}, a superuser: row security does not hold for it."
    if bypass:
        yield f"The app runs as {name}, which has BYPASSRLS."
    if owner:
        yield f"The app runs as {name}, which owns tables; it must be another role than the owner."
    if create and not superuser:
        yield f"The app's role {name} may create tables in the schema public."


def _tables() -> Iterator[str]:
    forced: dict[str, bool] = dict(
        _rows(
            "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AND EXISTS ("
            " SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd = '*'"
            ") AND NOT has_table_privilege(c.oid, 'TRUNCATE')"
            " FROM pg_class c WHERE c.relname = ANY(%s)",
            tables := [*tenant_tables(), *_partitions()],
        )
    )
    for table in tables:
        if not forced.get(table):
            yield f"Table {table} has no forced row security (TenantTable in its migration?)."


def _partitions() -> list[str]:
    """The tables that hold a partitioned table's rows: whoever names one goes past its parent."""
    rows = _rows(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " JOIN pg_class p ON p.oid = i.inhparent WHERE p.relname = ANY(%s) AND c.relkind = 'r'",
        tenant_tables(),
    )
    return [name for (name,) in rows]


def _uniques() -> Iterator[str]:
    rows = _rows(
        "SELECT c.relname, i.relname, a.attname FROM pg_index x"
        " JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid"
        " LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]"
        " WHERE x.indisunique AND NOT x.indisprimary AND c.relname = ANY(%s)",
        tenant_tables(),
    )
    for table, index, first in rows:
        if first != "tenant_id" and (table, first) not in GLOBAL_UNIQUES:
            yield f"Unique index {index} on {table} does not begin with tenant_id."


def _references() -> Iterator[str]:
    rows = _rows(
        "SELECT c.conname, t.relname, cardinality(c.conkey) FROM pg_constraint c"
        " JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class f ON f.oid = c.confrelid"
        " WHERE c.contype = 'f' AND t.relname = ANY(%s) AND f.relname = ANY(%s)"
        " AND f.relname <> 'tenants_tenant'",
        tenant_tables(),
        tenant_tables(),
    )
    for name, table, columns in rows:
        if columns != 2:
            yield f"Foreign key {name} on {table} would accept another tenant's row."
    guarded = {name for name, _, _ in rows}
    for model in tenant_models():
        yield from _unguarded(model, guarded)


def _unguarded(model: type[models.Model], guarded: set[object]) -> Iterator[str]:
    for field in references(model):
        if reference_name(model, field) not in guarded:
            yield f"{model._meta.label}.{field.name} has no composite foreign key."


def _functions() -> Iterator[str]:
    rows = _rows(
        "SELECT p.proname, pg_get_userbyid(p.proowner), p.proconfig::text FROM pg_proc p"
        " JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname = 'public' AND p.prosecdef"
    )
    for name, owner, config in rows:
        if owner != DISPATCH_ROLE:
            yield f"SECURITY DEFINER function {name} is not owned by {DISPATCH_ROLE}."
        if not config or not str(config).rstrip('"}').endswith("pg_temp"):
            yield f"SECURITY DEFINER function {name} does not pin its search_path, pg_temp last."


def _views() -> Iterator[str]:
    rows = _rows(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relkind IN ('v', 'm')"
        " AND NOT coalesce(c.reloptions::text LIKE '%%security_invoker=true%%', false)"
    )
    for (name,) in rows:
        yield f"View {name} does not run with its caller's rights (security_invoker)."
