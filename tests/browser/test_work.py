"""The work that runs and what it cost, as a member meets them in the browser."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from generation.models import Brand
from generation.services import brief_request
from tenants.jobs.models import Job
from tenants.models import Tenant
from tests.browser.steps import sign_in
from tests.generation.conftest import run_jobs

FIELDS = {"product": "Reading lamp", "points": ["dims on its own"], "call": "learn_more"}


@pytest.fixture
def work(lumen: Tenant) -> None:
    """Six variants that are written, and three that wait."""
    for _ in range(2):
        order()
    run_jobs()
    order()


def order() -> None:
    brand = Brand.objects.get()
    brief_request(kind="search_ad", fields=FIELDS, brand=brand)


def test_the_drawer_shows_what_runs_and_stops_it(work: None, ada: Page) -> None:
    ada.goto("/w/lumen/usage/")
    ada.get_by_role("button", name="Work: 3 running").click()
    drawer = ada.locator("#jobs")
    expect(drawer.get_by_text("Queued")).to_have_count(3)
    drawer.get_by_role("button", name="Stop this work").first.click()
    expect(drawer.get_by_text("Cancelled")).to_have_count(1)
    expect(ada.locator("#jobs-button .count")).to_have_text("2")
    drawer.get_by_role("link", name="Reading lamp").first.click()
    ada.wait_for_url("**/w/lumen/briefs/**")
    assert Job.objects.active().count() == 2


def test_the_usage_page_leads_to_its_csv(work: None, ada: Page) -> None:
    ada.goto("/w/lumen/usage/")
    expect(ada.get_by_role("row")).to_have_count(7)
    expect(ada.locator(".usage-bar")).to_have_count(1)
    with ada.expect_download() as download:
        ada.get_by_role("link", name="Download CSV").click()
    assert len(download.value.path().read_text().splitlines()) == 7


@pytest.mark.parametrize("address", ["usage/", "jobs/", "jobs/?show=finished"])
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light")])
def test_axe_finds_nothing_to_object_to(
    address: str, width: int, scheme: Any, work: None, visit: Callable[..., Page]
) -> None:
    page = visit(width=width, scheme=scheme)
    sign_in(page)
    page.goto(f"/w/lumen/{address}")
    found = Axe().run(page).response["violations"]
    assert [violation["id"] for violation in found] == []
