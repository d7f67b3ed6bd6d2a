"""What usage costs, in integer micro-credits: the meters' own prices, and dated ones over them.

Operators' prices begin on a full hour, some minutes ahead. So every process knows a price before
it holds, and no hour has two.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import NamedTuple

from django.utils import timezone
from django.utils.formats import number_format

from tenants.billing.meters import Usage, meter, meters
from tenants.billing.models import Price

CREDIT = 1_000_000
# A process reads the prices anew when it has known them for so long: less than their notice.
KNOWN_FOR = timedelta(minutes=1)


class Rate(NamedTuple):
    """Micro-credits for each so many units."""

    micro_credits: int
    per: int

    def cost(self, units: int) -> int:
        """Rounded up to a whole micro-credit."""
        return -(-units * self.micro_credits // self.per)

    @property
    def units_per_credit(self) -> int:
        """How many units a credit buys; 0 for what is free."""
        return CREDIT * self.per // self.micro_credits if self.micro_credits else 0


class PriceList:
    """The operators' prices, read from the database once in a while."""

    def __init__(self) -> None:
        self._rows: list[Price] = []
        self._read_at: datetime | None = None

    def rows(self) -> list[Price]:
        """All prices, the oldest first."""
        now = timezone.now()
        if self._read_at is None or not timedelta() <= now - self._read_at <= KNOWN_FOR:
            self._rows = list(Price.objects.order_by("valid_from"))
            self._read_at = now
        return self._rows

    def forget(self) -> None:
        """Read them anew at the next question."""
        self._read_at = None


price_list = PriceList()


def rates(at: datetime | None = None) -> dict[str, Rate]:
    """The rate of every meter at a moment, now unless said otherwise."""
    moment = at or timezone.now()
    found = {known.name: Rate(known.price, known.per) for known in meters()}
    for row in price_list.rows():
        if row.meter in found and row.valid_from <= moment:
            found[row.meter] = Rate(row.micro_credits, row.per)
    return found


def price(usage: Usage | Mapping[str, int], at: datetime | None = None) -> int:
    """What the usage costs at a moment's prices, each meter's part rounded up.

    So what the most usage costs covers all that is less. Work on the customer's own model server
    is free. Raises LookupError for a meter that nobody has registered.
    """
    used = Usage.of(usage)
    if used.customer_endpoint:
        return 0
    known = rates(at)
    return sum(known[meter(name).name].cost(units) for name, units in used.units.items())


def in_credits(amount: int) -> str:
    """Micro-credits as people read them: whole credits, with two decimals below ten."""
    decimals = 0 if abs(amount) >= 10 * CREDIT else 2
    exact = Decimal(amount) / CREDIT
    shown = exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_DOWN)
    return number_format(shown, decimal_pos=decimals, use_l10n=True, force_grouping=True)
