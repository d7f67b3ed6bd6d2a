"""What people do in the portal, step by step."""

from typing import Any

from django.conf import settings
from django.test import Client
from playwright.sync_api import Locator, Page, expect

from tenants.models import User

PASSWORD = "correct horse battery"


def sign_in(page: Page, email: str = "ada@lumen.test") -> None:
    """As if somebody had just signed in by the form."""
    client = Client()
    client.force_login(User.objects.get(email=email))
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.goto("/healthz")
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": page.url}]
    )


def sign_up(page: Page, *, workspace: str = "Lumen", email: str = "ada@lumen.test") -> str:
    """A new account with its workspace; the workspace's address."""
    page.goto("/account/signup/")
    page.get_by_label("Workspace name").fill(workspace)
    page.get_by_label("Email").fill(email)
    page.locator("#id_password1").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.get_by_role("link", name="Read the mails of this demo").click()
    mail = page.locator(".card").filter(has_text=email).first
    mail.locator("a[href*='/confirm-email/']").first.click()
    page.get_by_role("button", name="Confirm the address").click()
    page.wait_for_url("**/w/*/")
    return page.url


def add_brand(page: Page, home: str, **fields: str) -> None:
    page.goto(f"{home}brands/new")
    for name, value in {"name": "Lumen", "tone": "warm", "banned": "cheap", **fields}.items():
        page.locator(f"#id_{name}").fill(value)
    page.get_by_role("button", name="Save brand").click()
    page.wait_for_url("**/write/")


def order_ad(page: Page, home: str, **fields: str) -> str:
    """Order a search ad by keyboard; the address of its page."""
    page.goto(f"{home}write/search_ad/?example=1")
    for name, value in fields.items():
        page.locator(f"[name='{name}']").fill(value)
    page.locator("#id_q-product").press("Control+Enter")
    page.wait_for_url("**/briefs/*/")
    return page.url


def variant(page: Page, number: int) -> Locator:
    return page.locator(f"[data-variant='{number}']")


def wait_until_written(page: Page, number: int, **options: Any) -> None:
    expect(variant(page, number).get_by_role("button", name="Pick")).to_be_visible(**options)
