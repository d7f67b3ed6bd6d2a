"""Migration operations that isolate tenants in Postgres: policies and composite keys."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import chain
from typing import Any

import environ
from django.conf import settings
from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from tenants.models_base import TenantForeignKey

# Without the sub-select it is evaluated per row; without NULLIF a finished
# transaction's leftover '' cannot be cast.
SETTING = "(SELECT NULLIF(current_setting('app.{name}', true), '')::{cast})"
TENANT = SETTING.format(name="tenant", cast="uuid")
USER = SETTING.format(name="user", cast="uuid")
KEY_PREFIX = SETTING.format(name="key_prefix", cast="text")
INVITATION = SETTING.format(name="invitation", cast="text")
DISPATCH_ROLE = "kindling_dispatch"
SEARCH_PATH = "pg_catalog, public, pg_temp"
# Row security cannot be switched while constraint triggers of this transaction wait.
CHECK_NOW = "SET CONSTRAINTS ALL IMMEDIATE"

Find = Callable[[str], type[models.Model]]


class DatabaseOperation(Operation):
    """An operation that changes the database and leaves Django's state alone.

    `find` gives a model of the operation's app by its name.
    """

    reversible = True

    def forwards(self, find: Find) -> list[str]:
        """The statements that bring the change."""
        raise NotImplementedError

    def backwards(self, find: Find) -> list[str]:
        """The statements that take it back."""
        raise NotImplementedError

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing here is part of Django's state."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._execute(schema_editor, self.forwards(partial(to_state.apps.get_model, app_label)))

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._execute(schema_editor, self.backwards(partial(from_state.apps.get_model, app_label)))

    @staticmethod
    def _execute(schema_editor: BaseDatabaseSchemaEditor, statements: list[str]) -> None:
        for statement in statements:
            schema_editor.execute(statement, params=None)


class TenantTable(DatabaseOperation):
    """Close a tenant model's table: forced row security, and references inside the tenant only.

    `lookups` are extra SELECT-only conditions by name, for finding the tenant in the first place.
    `partitions` are the ends of its partitions' names: each is closed as well, and no other table
    can refer to a partitioned one.
    """

    def __init__(
        self,
        model: str,
        *,
        column: str = "tenant_id",
        lookups: Mapping[str, str] | None = None,
        partitions: Iterable[str] = (),
    ) -> None:
        self.model = model
        self.column = column
        self.lookups = dict(lookups or {})
        self.partitions = tuple(partitions)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        options = {"column": self.column, "lookups": self.lookups, "partitions": self.partitions}
        return type(self).__name__, [self.model], options

    def describe(self) -> str:
        return f"Force row-level security on {self.model}"

    def forwards(self, find: Find) -> list[str]:
        model = find(self.model)
        keys = []
        if self.column == "tenant_id":
            keys = composite_keys(model, referred=not self.partitions)
        table = model._meta.db_table
        tables = [table, *(f"{table}_{end}" for end in self.partitions)]
        return [CHECK_NOW, *chain.from_iterable(map(self._close, tables)), *keys]

    def _close(self, table: str) -> list[str]:
        same = f"{self.column} = {TENANT}"
        return [
            f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
            f'CREATE POLICY "{table}_tenant" ON "{table}" USING ({same}) WITH CHECK ({same})',
            *(
                f'CREATE POLICY "{table}_{name}" ON "{table}" FOR SELECT USING ({condition})'
                for name, condition in self.lookups.items()
            ),
        ]

    def backwards(self, find: Find) -> list[str]:
        model = find(self.model)
        table = model._meta.db_table
        names = [*(reference_name(model, field) for field in references(model))]
        if self.column == "tenant_id" and not self.partitions:
            names.append(f"{table}_own")
        return [
            *(f'ALTER TABLE "{table}" DROP CONSTRAINT "{name}"' for name in names),
            *(f'DROP POLICY "{table}_{name}" ON "{table}"' for name in ["tenant", *self.lookups]),
            f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY',
        ]


class PartitionByTime(DatabaseOperation):
    """Make a table that was just created, and is empty, one that is partitioned by quarters.

    What is older or newer than the years goes into a partition of its own. The primary key gains
    the column, as Postgres asks of partitioned tables.
    """

    def __init__(self, model: str, *, column: str, years: tuple[int, int]) -> None:
        self.model = model
        self.column = column
        self.years = years

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.model], {"column": self.column, "years": self.years}

    def describe(self) -> str:
        return f"Partition {self.model} by {self.column}"

    def forwards(self, find: Find) -> list[str]:
        table = find(self.model)._meta.db_table
        return [
            f'ALTER TABLE "{table}" RENAME TO "{table}_plain"',
            f'CREATE TABLE "{table}" (LIKE "{table}_plain" INCLUDING DEFAULTS) '
            f"PARTITION BY RANGE ({self.column})",
            f'DROP TABLE "{table}_plain"',
            f'ALTER TABLE "{table}" ADD PRIMARY KEY (id, {self.column})',
            *(
                f'CREATE TABLE "{table}_{end}" PARTITION OF "{table}" '
                f"FOR VALUES FROM ('{first}') TO ('{after}')"
                for end, first, after in quarters(self.years)
            ),
            f'CREATE TABLE "{table}_other" PARTITION OF "{table}" DEFAULT',
        ]

    def backwards(self, find: Find) -> list[str]:
        return []  # the table is dropped by the operation that created it


def quarters(years: tuple[int, int]) -> list[tuple[str, str, str]]:
    """The quarters of the years: the end of a partition's name, its first day, the day after it."""
    starts = [(year, month) for year in range(years[0], years[1] + 1) for month in (1, 4, 7, 10)]
    days = [f"{year}-{month:02}-01" for year, month in [*starts, (years[1] + 1, 1)]]
    ends = [f"{year}q{(month + 2) // 3}" for year, month in starts]
    return list(zip(ends, days[:-1], days[1:], strict=True))


def partition_ends(years: tuple[int, int]) -> list[str]:
    return [*(end for end, _, _ in quarters(years)), "other"]


class TenantReference(DatabaseOperation):
    """The composite key of a TenantForeignKey that was added to a table already closed."""

    def __init__(self, model: str, field: str) -> None:
        self.model = model
        self.field = field

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.model, self.field], {}

    def describe(self) -> str:
        return f"Keep {self.model}.{self.field} inside the tenant"

    def forwards(self, find: Find) -> list[str]:
        model = find(self.model)
        return [CHECK_NOW, add_reference(model, model._meta.get_field(self.field))]

    def backwards(self, find: Find) -> list[str]:
        model = find(self.model)
        name = reference_name(model, model._meta.get_field(self.field))
        return [f'ALTER TABLE "{model._meta.db_table}" DROP CONSTRAINT "{name}"']


class AppendOnly(DatabaseOperation):
    """Refuse UPDATE and DELETE on a table, for every role."""

    def __init__(self, model: str) -> None:
        self.model = model

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.model], {}

    def describe(self) -> str:
        return f"Make {self.model} append-only"

    def forwards(self, find: Find) -> list[str]:
        table = find(self.model)._meta.db_table
        return [
            APPEND_ONLY_FUNCTION,
            f'CREATE TRIGGER "{table}_append_only" BEFORE UPDATE OR DELETE ON "{table}" '
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
        ]

    def backwards(self, find: Find) -> list[str]:
        table = find(self.model)._meta.db_table
        return [f'DROP TRIGGER "{table}_append_only" ON "{table}"']


APPEND_ONLY_FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'permission denied: rows of % are never changed', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$
"""


class DispatchFunction(DatabaseOperation):
    """A SECURITY DEFINER function that looks across tenants, and the columns that it may read.

    It runs as the dispatch role, which can do nothing but SELECT these columns. `pg_temp` stands
    last in its search_path: else a caller's temporary table would be found before the real one.
    """

    def __init__(self, signature: str, body: str, *, reads: Mapping[str, list[str]]) -> None:
        self.signature = signature
        self.body = body
        self.reads = {table: list(columns) for table, columns in reads.items()}

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.signature, self.body], {"reads": self.reads}

    def describe(self) -> str:
        return f"Create {self.signature.partition('(')[0]}() for dispatch across tenants"

    def forwards(self, find: Find) -> list[str]:
        name = self.signature.partition("(")[0]
        grants = [
            statement
            for table, columns in self.reads.items()
            for statement in (
                f'GRANT SELECT ({", ".join(columns)}) ON "{table}" TO {DISPATCH_ROLE}',
                f'CREATE POLICY "{table}_{name}" ON "{table}" FOR SELECT '
                f"TO {DISPATCH_ROLE} USING (true)",
            )
        ]
        return [
            *grants,
            f"CREATE FUNCTION {self.signature} LANGUAGE sql STABLE SECURITY DEFINER "
            f"SET search_path = {SEARCH_PATH} AS $${self.body}$$",
            f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC",
            f'GRANT EXECUTE ON FUNCTION {name} TO "{app_role()}"',
            f"GRANT CREATE, USAGE ON SCHEMA public TO {DISPATCH_ROLE}",
            f"ALTER FUNCTION {name} OWNER TO {DISPATCH_ROLE}",
            f"REVOKE CREATE ON SCHEMA public FROM {DISPATCH_ROLE}",
        ]

    def backwards(self, find: Find) -> list[str]:
        name = self.signature.partition("(")[0]
        policies = [f'DROP POLICY "{table}_{name}" ON "{table}"' for table in self.reads]
        return [f"DROP FUNCTION {name}", *policies]


class RemoveDispatch(DatabaseOperation):
    """Takes a dispatch function away, with what it was allowed to read."""

    def __init__(self, function: DispatchFunction) -> None:
        self.function = function

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.function], {}

    def describe(self) -> str:
        return f"Remove {self.function.signature.partition('(')[0]}()"

    def forwards(self, find: Find) -> list[str]:
        return self.function.backwards(find)

    def backwards(self, find: Find) -> list[str]:
        return self.function.forwards(find)


class PinSearchPaths(DatabaseOperation):
    """Make functions look for temporary tables last that were made before all of them did."""

    def describe(self) -> str:
        return "Pin the search path of functions that look across tenants"

    def forwards(self, find: Find) -> list[str]:
        return [PIN]

    def backwards(self, find: Find) -> list[str]:
        return []


PIN = f"""
DO $do$
DECLARE found regprocedure;
BEGIN
    FOR found IN
        SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 'public' AND p.prosecdef AND p.proowner = '{DISPATCH_ROLE}'::regrole
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = {SEARCH_PATH}', found);
    END LOOP;
END $do$
"""


def app_role() -> str:
    """The role that the running app logs in as (migrations run as the owner)."""
    return str(environ.Env.db_url_config(settings.DATABASE_URL)["USER"])


def references(model: type[models.Model]) -> list[Any]:
    return [field for field in model._meta.local_fields if isinstance(field, TenantForeignKey)]


def reference_name(model: type[models.Model], field: Any) -> str:
    return f"{model._meta.db_table}_{field.column}_own"[:63]


def add_reference(model: type[models.Model], field: Any) -> str:
    target = field.remote_field.model._meta.db_table
    return (
        f'ALTER TABLE "{model._meta.db_table}" ADD CONSTRAINT "{reference_name(model, field)}" '
        f'FOREIGN KEY (tenant_id, "{field.column}") REFERENCES "{target}" (tenant_id, id) '
        "DEFERRABLE INITIALLY DEFERRED"
    )


def composite_keys(model: type[models.Model], *, referred: bool) -> list[str]:
    """UNIQUE (tenant_id, id) where others may refer to it, then this table's own references."""
    table = model._meta.db_table
    own = f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_own" UNIQUE (tenant_id, id)'
    return [*([own] if referred else []), *(add_reference(model, f) for f in references(model))]
