"""What a workspace may have and do: the one place that says how much.

The app that a limit guards registers it with its default. The environment replaces defaults
(LIMIT_BRANDS=50), and an operator's row replaces both for one workspace. Services ask for room in
the transaction that takes it, so that no door is without the limit.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from saas.errors import AppError
from tenants.billing.errors import LimitReached, StorageFull
from tenants.billing.ledger import lock_accounts
from tenants.billing.models import LimitOverride


@dataclass(frozen=True, slots=True)
class Limit:
    """A number that a workspace may not pass."""

    name: str
    label: str | Promise
    default: int


_limits: dict[str, Limit] = {}


def register(limit: Limit) -> Limit:
    """Add a limit; raises ImproperlyConfigured where there is one of that name."""
    if limit.name in _limits:
        raise ImproperlyConfigured(f"There are two limits called {limit.name}.")
    _limits[limit.name] = limit
    return limit


@contextmanager
def registered(*added: Limit) -> Iterator[None]:
    """Add limits for as long as the block lasts; for tests."""
    for limit in added:
        register(limit)
    try:
        yield
    finally:
        for limit in added:
            del _limits[limit.name]


def check_names(**_: Any) -> list[CheckMessage]:
    """A system check: every LIMIT_… of the environment is one that an app has registered."""
    unknown = sorted(set(settings.LIMITS) - set(_limits))
    return [Error(f"There is no limit for LIMIT_{name.upper()}.") for name in unknown]


def known_limits() -> list[Limit]:
    """All limits, by name."""
    return [_limits[name] for name in sorted(_limits)]


def limits() -> dict[str, int]:
    """Every limit of the workspace in scope, by name."""
    own = dict(LimitOverride.objects.values_list("name", "value"))
    return {name: own.get(name, default_of(name)) for name in _limits}


def limit(name: str) -> int:
    """One limit of the workspace in scope; raises LookupError where nobody registered it."""
    default = default_of(name)
    own = LimitOverride.objects.filter(name=name).values_list("value", flat=True).first()
    return default if own is None else own


def default_of(name: str) -> int:
    """What holds for a workspace without a row of its own."""
    if name not in _limits:
        raise LookupError(f"No app has registered the limit {name}.")
    return int(settings.LIMITS.get(name, _limits[name].default))


def require_room(
    name: str, used: Callable[[], int], *, more: int = 1, error: type[AppError] = LimitReached
) -> None:
    """Raise where so much more would pass the limit; `used` counts what there is.

    Call it in the transaction that adds to it, before it does. Until that ends nobody else is let
    in: the lock is the ledger's, the one lock of a workspace for whatever is counted, so that two
    who need both cannot wait for each other.
    """
    lock_accounts()
    most, taken = limit(name), used()
    if taken + more > most:
        raise error(_detail(name, most, taken, more), limit=name, allowed=most, used=taken)


def _detail(name: str, most: int, taken: int, more: int) -> str:
    words: dict[str, Any] = {"label": _limits[name].label, "most": most, "taken": taken}
    if more > 1:
        text = _("%(label)s: %(taken)s of %(most)s are taken, and this needs %(more)s more.")
        return text % {**words, "more": more}
    return _("%(label)s: %(taken)s of %(most)s are taken.") % words


_stores: list[Callable[[], int]] = []


def register_store(counted: Callable[[], int]) -> None:
    """Add something that stores files: the bytes that the workspace in scope has there."""
    _stores.append(counted)


def stored_bytes() -> int:
    return sum(counted() for counted in _stores)


def require_storage(more: int) -> None:
    """Raise where so many more bytes do not fit into the workspace's storage."""
    require_room("storage_bytes", stored_bytes, more=more, error=StorageFull)
