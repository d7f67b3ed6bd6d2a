"""A line that breaks is told once, and no longer than it is broken; things found and undone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from generation.models import Brand, Content
from tenants.models import Membership, Role, Tenant, User
from tests.browser.steps import PASSWORD, sign_in


@pytest.fixture
def careless(browser: Browser, server: str, lumen: Tenant) -> Iterator[Page]:
    """Ada's window; here a broken line is no fault of the page."""
    context = browser.new_context(base_url=server)
    page = context.new_page()
    sign_in(page)
    yield page
    context.close()


def test_one_banner_while_there_is_no_line(careless: Page) -> None:
    ada = careless
    ada.goto("/w/lumen/library/")
    banner = ada.locator("#offline")
    expect(banner).to_be_hidden()
    ada.context.set_offline(True)
    expect(banner).to_be_visible()
    ada.locator("input[name='q']").fill("anvils")
    ada.wait_for_timeout(1000)
    assert ada.locator(".toast").count() == 0
    ada.context.set_offline(False)
    expect(banner).to_be_hidden()


def test_the_palette_finds_what_the_workspace_has(ada: Page, lumen: Tenant) -> None:
    content = Content(kind="social_post", title="Crème brûlée")
    content.add_version(text="Crème", data={"text": "Crème brûlée", "hashtags": []})
    ada.goto("/w/lumen/")
    ada.keyboard.press("Control+k")
    ada.keyboard.type("creme bru")
    option = ada.locator("[data-found]", has_text="Crème brûlée")
    expect(option).to_be_visible()
    expect(option).to_have_attribute("aria-selected", "true")
    ada.keyboard.press("Enter")
    ada.wait_for_url(f"**{content.get_absolute_url()}")


def test_a_deleted_brand_comes_back_by_its_toast(ada: Page, lumen: Tenant) -> None:
    spare = Brand.objects.create(name="Spare")
    ada.goto(f"/w/lumen/brands/{spare.pk}/")
    ada.get_by_role("button", name="Delete").click()
    ada.locator("#confirm-dialog [data-confirm-yes]").click()
    ada.locator(".toast").get_by_role("button", name="Undo").click()
    expect(ada.locator(".toast", has_text="It is as it was before.")).to_be_visible()
    assert Brand.objects.filter(pk=spare.pk).exists()


def test_a_closed_room_looks_closed_and_says_why(page: Page, lumen: Tenant) -> None:
    victor = User.objects.create_user("victor@lumen.test", PASSWORD)
    Membership.objects.create(user=victor, role=Role.VIEWER)
    sign_in(page, "victor@lumen.test")
    page.goto("/w/lumen/")
    closed = page.locator("#sidebar [aria-disabled]", has_text="Write")
    expect(closed).to_contain_text("For editors and above")
    assert closed.get_attribute("href") is None
    expect(page.locator("#sidebar [aria-disabled]", has_text="API keys")).to_contain_text(
        "For admins and owners"
    )
