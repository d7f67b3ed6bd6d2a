"""How long rows are kept that nobody needs for ever; apps say which, operators for how long.

What is bought, charged or audited is kept: the ledger, usage and the audit log are append-only.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from tenants.lookups import all_workspaces
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

# So many rows are deleted in one transaction, and so many times a day for one workspace.
BATCH = 1000
ROUNDS = 100

# Deletes up to BATCH rows from before this time; how many there were.
Purge = Callable[[datetime], int]


@dataclass(frozen=True, slots=True)
class Retention:
    """Rows of one kind. Those of workspaces are purged in the scope of one after the other."""

    name: str
    days: int
    purge: Purge
    of_workspaces: bool = True

    @property
    def kept_days(self) -> int:
        """What the operator says (RETENTION_JOBS=90), or the app."""
        return int(settings.RETENTION.get(self.name, self.days))


_retentions: dict[str, Retention] = {}


def register(retention: Retention) -> None:
    """Have rows of this kind deleted when they are old; in your AppConfig.ready()."""
    if retention.name in _retentions:
        raise ImproperlyConfigured(f"There are two retentions called {retention.name}.")
    _retentions[retention.name] = retention


def retentions() -> list[Retention]:
    """All of them, by name."""
    return [_retentions[name] for name in sorted(_retentions)]


def purge_all() -> dict[str, int]:
    """Delete what is older than it is kept; how many rows of each kind."""
    now = timezone.now()
    counts: dict[str, int] = {}
    for retention in retentions():
        before = now - timedelta(days=retention.kept_days)
        if retention.of_workspaces:
            counts[retention.name] = sum(_purge_each(retention, before))
        else:
            counts[retention.name] = _purge(retention, before)
    logger.info("purged %s", " ".join(f"{name}={count}" for name, count in counts.items()))
    return counts


def _purge_each(retention: Retention, before: datetime) -> list[int]:
    counts = []
    for workspace in all_workspaces():
        with tenant_scope(workspace.id):
            counts.append(_purge(retention, before))
    return counts


def _purge(retention: Retention, before: datetime) -> int:
    total = 0
    for _ in range(ROUNDS):
        total += (count := retention.purge(before))
        if count < BATCH:
            break
    return total


def forget_sessions(before: datetime) -> int:
    """Delete sessions that were over before this time."""
    over = Session.objects.filter(expire_date__lt=before)
    ids = list(over.values_list("pk", flat=True)[:BATCH])
    return int(Session.objects.filter(pk__in=ids).delete()[0])
