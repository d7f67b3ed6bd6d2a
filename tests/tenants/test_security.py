"""A second factor needs a confirmed address, and the way to it leads on to the set-up."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.urls import reverse

from tenants.models import Tenant, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def unconfirmed(acme: Tenant, alice: User, client: Client) -> Client:
    EmailAddress.objects.filter(user=alice).update(verified=False)
    client.force_login(alice)
    return client


def test_the_mails_link_leads_on_to_the_set_up(unconfirmed: Client, alice: User) -> None:
    page = unconfirmed.get(reverse("mfa_index")).content.decode()
    assert "First confirm your address" in page
    assert reverse("mfa_activate_totp") not in page
    told = unconfirmed.post(reverse("confirm-address"), follow=True).content.decode()
    assert "We sent a mail to alice@acme.test" in told
    (link,) = re.findall(r"https?://\S+/confirm-email/\S+", mail.outbox[0].body)
    path = re.sub(r"^https?://[^/]+", "", link)
    unconfirmed.get(path)
    answer = unconfirmed.post(path)
    assert answer["Location"] == reverse("mfa_activate_totp")
    assert EmailAddress.objects.get(user=alice).verified


def test_a_confirmed_address_goes_straight_to_the_set_up(
    acme: Tenant, alice: User, client: Client
) -> None:
    client.force_login(alice)
    page = client.get(reverse("mfa_index")).content.decode()
    assert "First confirm your address" not in page
    assert reverse("mfa_activate_totp") in page
    answer = client.post(reverse("confirm-address"))
    assert answer["Location"] == reverse("mfa_activate_totp")


def test_a_visitor_is_asked_who_they_are(client: Client) -> None:
    assert client.post(reverse("confirm-address"))["Location"].startswith("/account/login/")
