"""docs/billing.md names every meter and limit, with what holds by default."""

import re

import pytest

from tenants.billing.limits import known_limits
from tenants.billing.meters import meters
from tenants.billing.prices import rates
from tests.support.source import ROOT

PAGE = (ROOT / "docs" / "billing.md").read_text()


def rows(heading: str) -> set[tuple[str, ...]]:
    """The cells of the first table below a heading, without its first two lines."""
    section = PAGE.split(f"## {heading}")[1]
    table = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert table
    lines = table[0].splitlines()[2:]
    return {tuple(cell.strip(" `") for cell in line.strip("|").split("|")) for line in lines}


def test_every_limit_is_there() -> None:
    known = {(limit.name, str(limit.label), str(limit.default)) for limit in known_limits()}
    assert rows("Limits") == known


@pytest.mark.django_db
def test_every_meter_is_there() -> None:
    bought = {name: f"{rate.units_per_credit:,}" for name, rate in rates().items()}
    known = {(meter.name, str(meter.label), bought[meter.name]) for meter in meters()}
    assert rows("Meters") == known
