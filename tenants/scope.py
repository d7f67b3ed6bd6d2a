"""The tenant that the current code works for. Every BEGIN carries it into Postgres."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from tenants.models import Tenant


class ScopeError(RuntimeError):
    """Code touched a tenant's rows without saying whose, or with another tenant's scope."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the database is told: whose rows, and for look-ups before that is known, by what.

    `tenant` is the row itself where whoever entered the scope had it.
    """

    tenant_id: UUID | None = None
    user_id: UUID | None = None
    key_prefix: str = ""
    invitation: str = ""
    tenant: "Tenant | None" = field(default=None, compare=False)

    @property
    def empty(self) -> bool:
        return self == NOBODY


NOBODY = Scope()
_scope: ContextVar[Scope] = ContextVar("tenant_scope", default=NOBODY)
_listeners: list[Callable[[], None]] = []


def current() -> Scope:
    return _scope.get()


def current_tenant_id() -> UUID:
    """The tenant in scope; raises ScopeError where there is none."""
    tenant_id = _scope.get().tenant_id
    if tenant_id is None:
        raise ScopeError("No tenant in scope: wrap this in tenant_scope(tenant).")
    return tenant_id


def current_tenant() -> "Tenant | None":
    """The row of the tenant in scope, where it is at hand without asking the database."""
    return _scope.get().tenant


def on_change(listener: Callable[[], None]) -> None:
    """Call the listener whenever the scope changes, so that open transactions follow it."""
    _listeners.append(listener)


def reset() -> None:
    """Forget every scope, however it was left behind."""
    _scope.set(NOBODY)


@contextmanager
def _entered(scope: Scope) -> Iterator[None]:
    token = _scope.set(scope)
    try:
        _notify()
        yield
    finally:
        _scope.reset(token)
        _notify()


def _notify() -> None:
    for listener in _listeners:
        listener()


@contextmanager
def tenant_scope(tenant: "Tenant | UUID") -> Iterator[None]:
    """Work for this tenant, and only for it, until the block ends."""
    scope = Scope(tenant) if isinstance(tenant, UUID) else Scope(tenant.pk, tenant=tenant)
    with _entered(scope):
        yield


@contextmanager
def lookup_scope(
    *, user_id: UUID | None = None, key_prefix: str = "", invitation: str = ""
) -> Iterator[None]:
    """Read-only look-ups before the tenant is known: by user, API key prefix or invitation."""
    found = replace(_scope.get(), user_id=user_id, key_prefix=key_prefix, invitation=invitation)
    with _entered(found):
        yield


@contextmanager
def no_scope() -> Iterator[None]:
    """Work for nobody: for code that must not see any tenant's rows."""
    with _entered(NOBODY):
        yield
