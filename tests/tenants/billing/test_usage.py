"""The usage room: its numbers, its chart and its CSV."""

import csv
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from django.test import Client

from tenants.billing import chart
from tenants.billing.meters import Meter, Usage, register_work, registered
from tenants.billing.models import Source, UsageEvent
from tenants.billing.prices import CREDIT
from tenants.billing.services import charge
from tenants.models import Tenant, User
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 22)


def spend(tenant: Tenant, credits: int, kind: str = "generate.variant") -> UsageEvent:
    usage = Usage({"completion_tokens": credits * 1_000}, seconds=2.5)
    with tenant_scope(tenant):
        return charge(source=Source("test", str(uuid4())), kind=kind, usage=usage)


def test_the_page_shows_what_is_left_and_what_was_spent(
    client: Client, victor: User, acme: Tenant
) -> None:
    spend(acme, 40), spend(acme, 2)
    client.force_login(victor)
    page = client.get("/w/acme/usage/").content.decode()
    assert "958" in page
    assert page.count("Writing copy") == 3
    assert page.count("Tokens written") == 4
    assert "40,000" in page
    assert "42,000" in page
    assert 'class="usage-bar"' in page


def test_a_fresh_workspace_has_its_grant(client: Client, alice: User, acme: Tenant) -> None:
    client.force_login(alice)
    page = client.get("/w/acme/usage/").content.decode()
    assert page.count("1,000") >= 3
    assert "Nothing spent yet" in page


def test_the_csv_has_a_row_for_each_charge(client: Client, alice: User, acme: Tenant) -> None:
    event = spend(acme, 3)
    client.force_login(alice)
    answer = client.get("/w/acme/usage.csv")
    assert answer["Content-Disposition"].startswith('attachment; filename="usage-acme-')
    (row,) = csv.DictReader(answer.content.decode().splitlines())
    assert (row["source"], row["id"]) == ("test", event.source_id)
    assert (row["kind"], row["prompt_tokens"]) == ("generate.variant", "0")
    assert (row["credits"], row["seconds"]) == ("3.000000", "2.5")
    assert row["completion_tokens"] == "3000"


@pytest.mark.parametrize("address", ["/w/acme/usage/", "/w/acme/usage.csv"])
def test_outsiders_see_nothing(address: str, client: Client, charlie: User, acme: Tenant) -> None:
    client.force_login(charlie)
    assert client.get(address).status_code == 404


def test_one_workspace_does_not_see_anothers_usage(
    client: Client, charlie: User, acme: Tenant, other: Tenant
) -> None:
    spend(acme, 40)
    client.force_login(charlie)
    page = client.get("/w/other/usage/").content.decode()
    assert "Nothing spent yet" in page
    assert "usage-bar" not in page


def test_usage_adds_up_by_kind_and_day(acme: Tenant) -> None:
    spend(acme, 1), spend(acme, 5, kind="generate.chat"), spend(acme, 2)
    with tenant_scope(acme):
        kinds = UsageEvent.objects.per_kind()
        days = UsageEvent.objects.per_day()
        assert UsageEvent.objects.per_meter() == {"completion_tokens": 8_000}
    assert [(kind["kind"], kind["charges"], kind["spent"] // CREDIT) for kind in kinds] == [
        ("generate.chat", 1, 5),
        ("generate.variant", 2, 3),
    ]
    assert days == {datetime.now(UTC).date(): 8 * CREDIT}


def test_the_dearest_day_is_as_high_as_the_chart() -> None:
    spent = {date(2026, 11, 20): 50, date(2026, 11, 21): 200, TODAY: 1}
    drawn = chart.bars(spent, last=TODAY, days=30)
    assert len(drawn) == 30
    assert [bar.height for bar in drawn[-4:]] == [0, 30, chart.HEIGHT, chart.LOWEST_BAR]
    assert drawn[-1].day == TODAY
    assert all(bar.y + bar.height == chart.HEIGHT for bar in drawn)


def test_a_month_without_work_has_no_bars() -> None:
    assert {bar.height for bar in chart.bars({}, last=TODAY, days=30)} == {0}


def test_any_apps_meters_are_shown_with_their_labels(
    client: Client, victor: User, acme: Tenant
) -> None:
    register_work("test.walk", "Walking the dog")
    client.force_login(victor)
    with registered(Meter("steps", "Steps walked", price=1, per=500)):
        with tenant_scope(acme):
            charge(source=Source("walk", "1"), kind="test.walk", usage={"steps": 7_654_321})
        page = client.get("/w/acme/usage/").content.decode()
        (row,) = csv.DictReader(client.get("/w/acme/usage.csv").content.decode().splitlines())
    assert page.count("Walking the dog") == 2
    assert page.count("7,654,321") == 2
    assert "500,000,000" in page  # what a credit buys
    assert (row["steps"], row["credits"]) == ("7654321", "0.015309")
