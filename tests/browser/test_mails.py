"""The pages that mails lead to, walked from the mail on: as a stranger, and as the invited."""

import shutil
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page, expect

from tenants.models import Invitation, Tenant, User
from tests.browser.steps import PASSWORD, sign_in, sign_up

DORA = "dora@new.test"
FRESH = "another long sentence"
Visit = Callable[..., Page]


@pytest.fixture(autouse=True)
def _empty_mailbox(lumen: Tenant) -> None:
    shutil.rmtree(settings.MAIL_FOLDER, ignore_errors=True)


@pytest.fixture
def dora(lumen: Tenant) -> User:
    return User.objects.create_user(DORA, PASSWORD, name="Dora")


def invite(ada: Page) -> str:
    """Ada invites Dora by the form; the link that she is shown."""
    ada.goto("/w/lumen/settings/team/")
    ada.get_by_label("Email address").fill(DORA)
    ada.get_by_role("button", name="Send the invitation").click()
    expect(ada.get_by_role("heading", name=f"Invitation sent to {DORA}")).to_be_visible()
    return ada.locator("#invitation-link").inner_text()


def open_mail(page: Page, subject: str) -> None:
    """As if one clicked on the link in the newest mail of this kind."""
    page.goto("/mailbox/")
    mail = page.locator(".card").filter(has_text=subject).first
    mail.locator("a[href*='://']").first.click()


def fill_sign_in(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("Email").fill(DORA)
    page.locator("#id_password").fill(password)
    page.locator("main").get_by_role("button", name="Sign in", exact=True).click()


def join(page: Page) -> None:
    page.get_by_role("button", name="Join Lumen").click()
    page.wait_for_url("**/w/lumen/")
    expect(page.get_by_text("Welcome to Lumen.")).to_be_visible()


def test_a_stranger_makes_an_account_and_joins(ada: Page, visit: Visit) -> None:
    invite(ada)
    page = visit()
    open_mail(page, "invites you to Lumen")
    expect(page).to_have_url(f"{page.url.split('/invitations/')[0]}/invitations/")
    page.get_by_role("link", name="Make an account").click()
    expect(page.get_by_label("Email")).to_have_value(DORA)
    page.locator("#id_password1").fill(FRESH)
    page.get_by_role("button", name="Make an account").click()
    join(page)


def test_somebody_with_an_account_signs_in_and_joins_by_the_copied_link(
    ada: Page, visit: Visit, dora: User
) -> None:
    link = invite(ada)
    page = visit()
    page.goto(link)
    page.get_by_role("link", name="I have an account").click()
    fill_sign_in(page)
    join(page)


def test_the_wrong_account_is_changed_for_the_right_one(
    ada: Page, visit: Visit, dora: User
) -> None:
    User.objects.create_user("eve@new.test", PASSWORD)
    link = invite(ada)
    page = visit()
    sign_in(page, "eve@new.test")
    page.goto(link)
    expect(page.get_by_text("You are signed in as eve@new.test.")).to_be_visible()
    page.get_by_role("button", name="Use another account").click()
    fill_sign_in(page)
    join(page)


def test_an_expired_invitation_says_so(ada: Page, visit: Visit, dora: User) -> None:
    link = invite(ada)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(days=1))
    page = visit()
    sign_in(page, DORA)
    page.goto(link)
    expect(page.get_by_text("This invitation has expired. Ask for a new one.")).to_be_visible()


def test_a_used_invitation_leads_the_member_in_and_nobody_else(
    ada: Page, visit: Visit, dora: User
) -> None:
    link = invite(ada)
    page = visit()
    sign_in(page, DORA)
    page.goto(link)
    join(page)
    page.goto(link)
    page.wait_for_url("**/w/lumen/")
    stranger = visit()
    stranger.goto(link)
    expect(stranger.get_by_text("This invitation was used already.")).to_be_visible()


def ask_for_a_link(page: Page) -> None:
    page.goto("/account/password/reset/")
    page.get_by_label("Email").fill(DORA)
    page.get_by_role("button", name="Send the link").click()
    page.get_by_role("link", name="Read the mails of this demo").click()


def choose_password(page: Page) -> None:
    for name in ("password1", "password2"):
        page.locator(f"#id_{name}").fill(FRESH)
    page.get_by_role("button", name="Change the password").click()


def test_a_forgotten_password_is_set_anew_once(visit: Visit, dora: User) -> None:
    page = visit()
    ask_for_a_link(page)
    open_mail(page, "Password Reset")
    choose_password(page)
    page.wait_for_url("**/workspaces/new/")
    again = visit()
    again.goto("/account/login/")
    fill_sign_in(again, FRESH)
    again.wait_for_url("**/workspaces/new/")
    other = visit()
    open_mail(other, "Password Reset")
    expect(other.get_by_role("heading", name="This link no longer works")).to_be_visible()
    other.get_by_role("link", name="Send a new link").click()
    expect(other.get_by_role("heading", name="Reset your password")).to_be_visible()


def test_an_address_is_confirmed_once(visit: Visit) -> None:
    page = visit()
    sign_up(page, workspace="Second", email=DORA)
    page.goto("/account/email/")
    expect(page.locator("main").get_by_text("Confirmed", exact=True)).to_be_visible()
    open_mail(page, "Confirm")
    expect(page.get_by_role("heading", name="This link no longer works")).to_be_visible()
