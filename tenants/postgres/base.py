"""The database backend: every BEGIN tells Postgres whose rows may be seen.

The settings are transaction-local, so nothing sticks to a pooled connection.
"""

from collections.abc import Callable
from typing import Any

from django.db import connections, transaction
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

from tenants import scope

PUSH = (
    "SELECT set_config('app.tenant', %s, true), set_config('app.user', %s, true), "
    "set_config('app.key_prefix', %s, true), set_config('app.invitation', %s, true)"
)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection on which a statement without a tenant sees no tenant's rows."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(in_transaction)

    def _set_autocommit(self, autocommit: bool) -> None:
        super()._set_autocommit(autocommit)  # type: ignore[misc]
        if not autocommit and not scope.current().empty:
            self.push_scope()

    def push_scope(self) -> None:
        """Tell the open transaction the current scope."""
        now = scope.current()
        values = (now.tenant_id or "", now.user_id or "", now.key_prefix, now.invitation)
        # As a statement of Django's own: what reads its errors must know these for its own, too.
        with self.wrap_database_errors, self.connection.cursor() as cursor:
            cursor.execute(PUSH, tuple(str(value) for value in values))

    def follow_scope(self) -> None:
        """After the scope changed: an open and healthy transaction follows it."""
        if self.connection is None or self.get_autocommit():
            return
        if self.connection.info.transaction_status != TransactionStatus.INERROR:
            self.push_scope()


def in_transaction(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Give a statement that runs in a scope but in no transaction one of its own."""
    connection = context["connection"]
    if scope.current().empty or not connection.get_autocommit():
        return execute(sql, params, many, context)
    with transaction.atomic(using=connection.alias):
        return execute(sql, params, many, context)


def _follow() -> None:
    for connection in connections.all(initialized_only=True):
        if isinstance(connection, DatabaseWrapper):
            connection.follow_scope()


scope.on_change(_follow)
