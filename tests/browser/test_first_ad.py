"""The main walk: from signing up to an approved ad in a file."""

import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import add_brand, order_ad, sign_up, variant, wait_until_written

HOME = "/w/lumen/"
pytestmark = pytest.mark.usefixtures("worker")


def test_a_stranger_has_an_approved_ad_in_a_file(page: Page) -> None:
    home = sign_up(page)
    expect(page.get_by_text("Your first ad in a minute")).to_be_visible()
    page.get_by_role("link", name="Add your brand").click()
    page.wait_for_url("**/brands/new")
    add_brand(page, home)

    order_ad(page, home)
    for number in (1, 2, 3):
        expect(variant(page, number)).to_have_attribute("data-state", re.compile("running|done"))
    for number in (1, 2, 3):
        wait_until_written(page, number, timeout=40_000)

    edit_by_keyboard(page)
    page.keyboard.press("2")
    page.keyboard.press("p")
    page.wait_for_url("**/library/*/")
    expect(page.locator("#preview")).to_contain_text("A Headline of Our Own")

    page.get_by_role("button", name="Approve this text").click()
    expect(page.locator("h1")).to_contain_text("Approved")
    assert "A Headline of Our Own" in exported(page)

    page.goto(home)
    expect(page.get_by_text("Your first ad in a minute")).to_have_count(0)
    expect(page.get_by_role("link", name="A Headline of Our Own")).to_be_visible()


def edit_by_keyboard(page: Page) -> None:
    page.keyboard.press("2")
    expect(variant(page, 2)).to_be_focused()
    page.keyboard.press("e")
    first = page.locator("#id_headlines-0")
    first.fill("A Headline of Our Own")
    expect(variant(page, 2).locator(".limit").first).to_contain_text("21/30")
    first.press("Control+Enter")
    expect(variant(page, 2)).to_contain_text("Edited")
    page.locator("[data-variant='2'] [aria-label^='Compare']").click()
    expect(variant(page, 2).locator("ins").first).to_contain_text("Headline")
    variant(page, 2).get_by_role("link", name="Back").click()
    wait_until_written(page, 2)


def exported(page: Page) -> str:
    """The first row of the CSV file that the menu gives."""
    page.locator("summary", has_text="Export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename.endswith(".csv")
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    row = next(csv.DictReader(io.StringIO(text)))
    assert row["Ad type"] == "Responsive search ad"
    return row["Headline 1"]


@pytest.mark.parametrize("worker", [0.05], indirect=True)
def test_a_reload_in_mid_stream_goes_on(ada: Page) -> None:
    page = ada
    order_ad(page, HOME)
    copy = variant(page, 1).locator("[data-stream-copy]")
    expect(copy).to_contain_text("Loose")
    before = copy.inner_text().split("\n")[0]
    page.reload()
    expect(variant(page, 1)).to_have_attribute("data-state", "running")
    expect(copy).to_contain_text(before)
    wait_until_written(page, 1, timeout=60_000)


@pytest.mark.parametrize("worker", [0.03], indirect=True)
def test_stopping_one_leaves_the_others(ada: Page) -> None:
    page = ada
    order_ad(page, HOME)
    expect(variant(page, 2)).to_have_attribute("data-state", "running")
    variant(page, 2).get_by_role("button", name="Stop").click()
    expect(variant(page, 2)).to_contain_text("You stopped it here.")
    wait_until_written(page, 1, timeout=40_000)
    variant(page, 2).get_by_role("button", name="Write it anew").click()
    expect(variant(page, 2)).to_have_attribute("data-state", "running")
    wait_until_written(page, 2, timeout=40_000)
