"""Use that is small and comes often: counted without a lock, charged once an hour in one entry.

A reading is a row, added in the transaction of the work that it counts. The sweeper posts all
readings of the hours before: it deletes them in the transaction that charges for them, so that
none is charged twice and none is lost. Each costs what its meter cost in its own hour. Where the
wallet has less, what is there is taken and the rest is given up; `require_credits` at the door
says no from then on, so that a workspace gets at most an hour for nothing.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from tenants.billing.ledger import LedgerSession, open_ledger
from tenants.billing.meters import Usage, meter, meters
from tenants.billing.models import LedgerAccount, MeterReading, Source, UsageEvent
from tenants.billing.prices import rates
from tenants.billing.services import balance, grant_month, insufficient, note_usage, spend
from tenants.scope import current_tenant_id

logger = logging.getLogger(__name__)
SOURCE = "readings"


@dataclass(slots=True)
class Bill:
    """What a meter counted in the hours that are charged, and what that costs."""

    units: int = 0
    cost: int = 0


def record(name: str, units: int = 1) -> None:
    """Count units of a meter, in the caller's transaction. Raises LookupError, ValueError."""
    record_many({name: units})


def record_many(usage: Mapping[str, int]) -> None:
    """Count units of several meters at once."""
    counted = Usage.of(usage).counted()
    MeterReading.objects.bulk_create(
        MeterReading(meter=meter(name).name, units=units) for name, units in counted.items()
    )


def require_credits() -> None:
    """Raise InsufficientCredits where the workspace has nothing left; takes no lock."""
    wallet = LedgerAccount.objects.filter(kind=LedgerAccount.Kind.WALLET).first()
    if wallet is not None and wallet.available > 0:
        return
    now = balance()  # the month's grant may not be booked yet
    if now.available <= 0:
        raise insufficient(1, now.available)


@transaction.atomic
def post_readings() -> list[UsageEvent]:
    """Charge for the readings of all hours before this one; at most once in an hour."""
    ledger = open_ledger()
    hour = ledger.now.replace(minute=0, second=0, microsecond=0)
    name = f"{hour:%Y-%m-%dT%H}"
    if UsageEvent.objects.filter(source=SOURCE, source_id__startswith=name).exists():
        return []
    bills = taken(before=hour)
    return posted(ledger, name, bills) if bills else []


# One statement: a reading that is committed meanwhile is either charged or left for later.
TAKE = """
WITH taken AS (
    DELETE FROM billing_meterreading
    WHERE tenant_id = %s AND recorded_at < %s AND meter = ANY(%s)
    RETURNING meter, units, recorded_at
)
SELECT meter, date_trunc('hour', recorded_at), sum(units) FROM taken GROUP BY 1, 2 ORDER BY 1, 2
"""


def taken(*, before: datetime) -> dict[str, Bill]:
    """Take the readings away and add them up, each hour at its own prices.

    Those of a meter that this version of the program does not know stay for one that does.
    """
    known = [meter.name for meter in meters()]
    bills: dict[str, Bill] = defaultdict(Bill)
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [current_tenant_id(), before, known])
        for name, hour, units in cursor.fetchall():
            bills[name].units += int(units)
            bills[name].cost += rates(hour)[name].cost(int(units))
    return bills


def posted(ledger: LedgerSession, hour: str, bills: Mapping[str, Bill]) -> list[UsageEvent]:
    """One entry for all meters, and an event for each."""
    grant_month(ledger)
    cost = sum(bill.cost for bill in bills.values())
    left = amount = min(cost, ledger.wallet.available)
    if amount < cost:
        logger.warning("readings_given_up tenant=%s short=%s", current_tenant_id(), cost - amount)
    transfer = None
    if amount:
        transfer = spend(ledger, amount=amount, purpose=SOURCE, key=f"{SOURCE}:{hour}")
    events = []
    for name, bill in bills.items():
        share = min(bill.cost, left)
        left -= share
        source = Source(SOURCE, f"{hour} {name}")
        entry = transfer if share else None
        events.append(
            note_usage(source, name, Usage({name: bill.units}), amount=share, transfer=entry)
        )
    return events


def readings_due() -> list[UUID]:
    """The workspaces that have readings of hours before this one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id FROM readings_due()")
        return [tenant_id for (tenant_id,) in cursor.fetchall()]
