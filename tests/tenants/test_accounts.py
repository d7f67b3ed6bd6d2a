"""Accounts: signing up and in, what outsiders can learn, limits, second factors, ended sessions."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp_auth
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tenants.allauth_adapter import WRONG_PASSWORDS
from tenants.lookups import workspaces_of
from tenants.models import Tenant, User

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
LOGIN = "/account/login/"
SIGNUP = "/account/signup/"
RIGHT = "correct horse battery"
KEPT = "a password that I keep"
NEW = {"workspace": "Bright Oats", "email": "nina@oats.test", "password1": "a long enough sentence"}
CONFIRMATION = re.compile(r"https?://[^/]+(/account/confirm-email/[^\s]+)")
LINK = re.compile(r"https?://[^/]+(/account/password/reset/key/[^\s]+)")


def login(client: Client, email: str, password: str, **extra: Any) -> Any:
    return client.post(LOGIN, {"login": email, "password": password}, **extra)


def signed_in(client: Client) -> bool:
    return bool(client.session.get("_auth_user_id"))


def confirm(client: Client) -> Any:
    """Follow the link in the newest mail and confirm the address."""
    found = CONFIRMATION.search(str(mail.outbox[-1].body))
    assert found is not None
    return client.post(found.group(1), follow=True)


def test_signing_up_makes_a_workspace_and_opens_it(client: Client) -> None:
    client.post(SIGNUP, NEW)
    assert not signed_in(client), "the address is not confirmed yet"
    answer = confirm(client)
    user = User.objects.get(email="nina@oats.test")
    (workspace,) = workspaces_of(user.pk)
    assert (workspace.name, workspace.role) == ("Bright Oats", "owner")
    assert answer.redirect_chain[-1][0] == f"/w/{workspace.slug}/"


@pytest.mark.parametrize(
    "wrong",
    [
        {"workspace": ""},
        {"workspace": "x" * 81},
        {"workspace": "see https://x.test"},
        {"email": "nobody"},
        {"password1": "short7!"},
        {"password1": "password123"},
        {"password1": "8293847561"},
        {"password1": "nina@oats.test"},
        {"password1": "Kindling1!"},
        {"password1": "x" * 257},
    ],
)
def test_a_refused_sign_up_makes_nothing_and_keeps_what_was_typed(
    client: Client, wrong: dict[str, str]
) -> None:
    typed = {**NEW, **wrong}
    answer = client.post(SIGNUP, typed)
    assert answer.status_code in {200, 422}
    assert not User.objects.exists()
    form = answer.context["form"]
    assert form["workspace"].value() == typed["workspace"]
    assert form["email"].value() == typed["email"]


def test_a_long_password_is_taken(client: Client) -> None:
    client.post(SIGNUP, {**NEW, "password1": "a sentence of more than sixty-four characters " * 3})
    assert User.objects.exists()


def test_signing_up_with_a_known_address_looks_like_any_other(client: Client, alice: User) -> None:
    known = client.post(SIGNUP, {**NEW, "email": alice.email})
    stranger = Client()
    fresh = stranger.post(SIGNUP, NEW)
    assert (known.status_code, known["Location"]) == (fresh.status_code, fresh["Location"])
    assert known.content == fresh.content
    assert set(client.cookies) == set(stranger.cookies)
    assert [sent.to for sent in mail.outbox] == [[alice.email], ["nina@oats.test"]]
    assert User.objects.count() == 2, "Alice and Nina"


def test_signing_up_with_a_known_address_makes_the_same_rows_and_takes_them_back(
    client: Client, alice: User
) -> None:
    """The time it takes says nothing either."""
    with CaptureQueriesContext(connection) as known:
        client.post(SIGNUP, {**NEW, "email": alice.email})
    with CaptureQueriesContext(connection) as fresh:
        Client().post(SIGNUP, NEW)
    inserts = [
        [sql.split("(")[0] for sql in map(statement, ran) if "tenants_" in sql.split("(")[0]]
        for ran in (known, fresh)
    ]
    assert inserts[0] == inserts[1]
    assert len(inserts[0]) >= 3


def statement(query: dict[str, str]) -> str:
    sql = query["sql"]
    return sql if sql.startswith("INSERT") else ""


def test_at_the_limit_of_an_address_known_and_unknown_wait_alike(
    client: Client, alice: User, settings: Any
) -> None:
    settings.SIGN_UPS_PER_ADDRESS = 2
    emails = ("a@x.test", alice.email, "b@x.test", alice.email)
    statuses = [Client().post(SIGNUP, {**NEW, "email": email}).status_code for email in emails]
    assert statuses == [302, 302, 429, 429]
    elsewhere = Client().post(SIGNUP, NEW, REMOTE_ADDR="198.51.100.9")
    assert elsewhere.status_code == 302


def test_a_wrong_password_and_an_unknown_address_answer_the_same(
    client: Client, alice: User
) -> None:
    pages = [login(Client(), email, "wrong") for email in (alice.email, "nobody@acme.test")]
    errors = [list(page.context["form"].non_field_errors()) for page in pages]
    assert pages[0].status_code == pages[1].status_code
    assert errors[0] == errors[1]
    assert errors[0]


def test_an_unknown_address_costs_as_much_hashing_as_a_known_one(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time it takes says nothing: both run the hasher once."""
    runs: list[str] = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(
        MD5PasswordHasher,
        "encode",
        lambda self, password, salt: runs.append(password) or encode(self, password, salt),
    )
    login(Client(), alice.email, "wrong one")
    login(Client(), "nobody@acme.test", "wrong two")
    assert runs == ["wrong one", "wrong two"]


GUESSER, HOME = "198.51.100.1", "203.0.113.5"


def test_the_sixth_wrong_password_waits_and_the_owner_does_not(alice: User) -> None:
    answers = [login(Client(), alice.email, "wrong", REMOTE_ADDR=GUESSER) for _ in range(6)]
    assert [answer.status_code for answer in answers[:5]] == [200] * 5
    assert answers[5].status_code == 429
    assert answers[5]["Retry-After"] == "300"
    assert reverse("account_reset_password") in answers[5].content.decode()
    right = login(Client(), alice.email, RIGHT, REMOTE_ADDR=GUESSER)
    assert right.status_code == 429, "guessing on does not help either"
    owner = Client()
    login(owner, alice.email, RIGHT, REMOTE_ADDR=HOME)
    assert signed_in(owner)


def test_an_ipv6_network_is_one_address(alice: User) -> None:
    answers = [
        login(Client(), alice.email, "wrong", REMOTE_ADDR=f"2001:db8::{n}") for n in range(1, 7)
    ]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]


def test_guesses_from_everywhere_wait_and_a_mail_lets_the_owner_in(
    client: Client, acme: Tenant, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(WRONG_PASSWORDS, "account", "8/h/key")
    answers = [
        login(Client(), alice.email, "wrong", REMOTE_ADDR=f"198.51.100.{n}") for n in range(9)
    ]
    assert [answer.status_code for answer in answers] == [200] * 8 + [429]
    assert login(client, alice.email, RIGHT, REMOTE_ADDR=HOME).status_code == 429
    client.post(reverse("account_reset_password"), {"email": alice.email})
    found = LINK.search(str(mail.outbox[-1].body))
    assert found is not None
    form = client.get(found.group(1), follow=True).redirect_chain[-1][0]
    client.post(form, {"password1": KEPT, "password2": KEPT})
    assert signed_in(client)
    again = Client()
    login(again, alice.email, KEPT, REMOTE_ADDR=HOME)
    assert signed_in(again), "what others guessed is forgotten"


def test_a_mail_does_not_replace_the_second_factor(client: Client, alice: User, totp: str) -> None:
    client.post(reverse("account_reset_password"), {"email": alice.email})
    found = LINK.search(str(mail.outbox[-1].body))
    assert found is not None
    form = client.get(found.group(1), follow=True).redirect_chain[-1][0]
    answer = client.post(form, {"password1": KEPT, "password2": KEPT})
    assert answer["Location"].startswith(reverse("mfa_authenticate"))
    assert not signed_in(client)


def test_the_sixth_wrong_code_waits_wherever_it_comes_from(alice: User, totp: str) -> None:
    wrong = "000000" if totp_code(totp) != "000000" else "000001"
    statuses = []
    for n in range(6):
        client = Client(REMOTE_ADDR=f"198.51.100.{n}")
        login(client, alice.email, RIGHT)
        statuses.append(client.post(reverse("mfa_authenticate"), {"code": wrong}).status_code)
    assert statuses == [200] * 5 + [429]
    late = client.post(reverse("mfa_authenticate"), {"code": totp_code(totp)})
    assert (late.status_code, late["Retry-After"]) == (429, "300")


def test_a_forged_forwarded_address_is_not_believed(alice: User) -> None:
    statuses = [
        login(
            Client(),
            f"p{n}@x.test",
            "wrong",
            headers={"x-forwarded-for": f"198.51.100.{n}"},
        ).status_code
        for n in range(11)
    ]
    assert statuses == [200] * 10 + [429]


def test_too_many_sign_ups_from_one_address_wait(client: Client) -> None:
    answers = [client.post(SIGNUP, {**NEW, "email": "nobody"}) for _ in range(21)]
    assert answers[-1].status_code == 429
    assert "Retry-After" in answers[-1].headers


def test_another_sites_address_is_not_followed_after_signing_in(
    client: Client, alice: User
) -> None:
    data = {"login": alice.email, "password": RIGHT, "next": "https://evil.test/"}
    answer = client.post(LOGIN, data)
    assert "evil" not in answer["Location"]


def test_a_deactivated_user_is_out_on_the_next_request(
    acme: Tenant, alice: User, client_for: ClientFor
) -> None:
    client = client_for(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert client.get("/w/acme/settings/team/").status_code == 302
    again = Client()
    login(again, alice.email, RIGHT)
    assert not signed_in(again)


def test_changing_the_password_ends_every_other_session(
    acme: Tenant, alice: User, client: Client
) -> None:
    there = Client()
    login(client, alice.email, RIGHT)
    login(there, alice.email, RIGHT)
    assert there.get("/w/acme/settings/team/").status_code == 200
    fresh = "an even better sentence"
    changed = client.post(
        reverse("account_change_password"),
        {"oldpassword": RIGHT, "password1": fresh, "password2": fresh},
    )
    assert changed.status_code == 302
    assert there.get("/w/acme/settings/team/").status_code == 302
    assert client.get("/w/acme/settings/team/").status_code == 200


def test_signing_out_ends_the_session(acme: Tenant, alice: User, client: Client) -> None:
    login(client, alice.email, RIGHT)
    cookie = client.cookies["sessionid"].value
    client.post(reverse("account_logout"))
    thief = Client()
    thief.cookies["sessionid"] = cookie
    assert thief.get("/w/acme/settings/team/").status_code == 302


def test_the_session_gets_a_new_key_at_sign_in(alice: User, client: Client) -> None:
    client.get(LOGIN)
    session = client.session
    session["marker"] = "x"
    session.save()
    before = session.session_key
    client.cookies["sessionid"] = before
    login(client, alice.email, RIGHT)
    assert client.cookies["sessionid"].value != before


@pytest.fixture
def reset_link(client: Client, alice: User) -> str:
    client.post(reverse("account_reset_password"), {"email": alice.email})
    found = LINK.search(str(mail.outbox[-1].body))
    assert found is not None
    return found.group(1)


def test_a_forgotten_password_is_replaced_once(
    client: Client, reset_link: str, alice: User
) -> None:
    fresh = KEPT
    form = client.get(reset_link, follow=True)
    target = form.redirect_chain[-1][0]
    client.post(target, {"password1": fresh, "password2": fresh})
    alice.refresh_from_db()
    assert alice.check_password(fresh)
    again = Client().get(reset_link, follow=True)
    assert "token_fail" in again.context


def test_resetting_an_unknown_address_looks_like_any_other(client: Client, alice: User) -> None:
    answers = [
        client.post(reverse("account_reset_password"), {"email": email})
        for email in (alice.email, "nobody@acme.test")
    ]
    assert {(a.status_code, a["Location"]) for a in answers} == {
        (302, reverse("account_reset_password_done"))
    }


def totp_code(secret: str) -> str:
    counter = next(totp_auth.yield_hotp_counters_from_time())
    return totp_auth.format_hotp_value(totp_auth.hotp_value(secret, counter))


@pytest.fixture
def totp(alice: User) -> str:
    """Alice's second factor; its secret."""
    secret = "JBSWY3DPEHPK3PXP"
    TOTP.activate(alice, secret)
    RecoveryCodes.activate(alice)
    return secret


def test_a_second_factor_is_asked_for(acme: Tenant, alice: User, totp: str, client: Client) -> None:
    answer = login(client, alice.email, RIGHT)
    assert answer["Location"].startswith(reverse("mfa_authenticate"))
    assert not signed_in(client)
    assert client.get("/w/acme/settings/team/").status_code == 302
    client.post(reverse("mfa_authenticate"), {"code": totp_code(totp)})
    assert signed_in(client)


def test_a_code_works_once(alice: User, totp: str) -> None:
    code = totp_code(totp)
    first, second = Client(), Client()
    for client in (first, second):
        login(client, alice.email, RIGHT)
        client.post(reverse("mfa_authenticate"), {"code": code})
    assert (signed_in(first), signed_in(second)) == (True, False)


def test_a_recovery_code_works_once(alice: User, totp: str) -> None:
    row = Authenticator.objects.get(user=alice, type=Authenticator.Type.RECOVERY_CODES)
    code = row.wrap().get_unused_codes()[0]
    first, second = Client(), Client()
    for client in (first, second):
        login(client, alice.email, RIGHT)
        client.post(reverse("mfa_authenticate"), {"code": code})
    assert (signed_in(first), signed_in(second)) == (True, False)


def test_a_wrong_code_does_not_let_in(alice: User, totp: str, client: Client) -> None:
    login(client, alice.email, RIGHT)
    wrong = "000000" if totp_code(totp) != "000000" else "000001"
    client.post(reverse("mfa_authenticate"), {"code": wrong})
    assert not signed_in(client)


def test_the_secrets_of_second_factors_are_not_stored_in_the_clear(alice: User, totp: str) -> None:
    data = Authenticator.objects.get(user=alice, type=Authenticator.Type.TOTP).data
    assert get_mfa_adapter().decrypt(data["secret"]) == totp
    assert totp not in str(data)


def test_a_second_factor_outlives_a_change_of_the_secret_key(alice: User, totp: str) -> None:
    data = Authenticator.objects.get(user=alice, type=Authenticator.Type.TOTP).data
    before = settings.SECRET_KEY
    with override_settings(SECRET_KEY="fresh", SECRET_KEY_FALLBACKS=[before]):
        assert get_mfa_adapter().decrypt(data["secret"]) == totp


@pytest.mark.parametrize(
    "name",
    [
        "account_email",
        "account_change_password",
        "mfa_index",
        "mfa_activate_totp",
        "mfa_list_webauthn",
        "usersessions_list",
        "account_logout",
        "profile",
    ],
)
def test_the_pages_about_oneself_open(acme: Tenant, alice: User, client: Client, name: str) -> None:
    login(client, alice.email, RIGHT)
    assert client.get(reverse(name), follow=True).status_code == 200


@pytest.mark.parametrize("name", ["account_login", "account_signup", "account_reset_password"])
def test_the_pages_for_visitors_open(client: Client, db: None, name: str) -> None:
    assert client.get(reverse(name)).status_code == 200
