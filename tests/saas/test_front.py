"""The front page, the style page and the pages of allauth, as a browser gets them."""

import pytest
import structlog
from django.test import Client

from tenants.models import Tenant, User

pytestmark = pytest.mark.django_db


def test_a_visitor_sees_what_kindling_is(client: Client) -> None:
    page = client.get("/").content.decode()
    assert "Copy that sounds like you wrote it" in page


@pytest.mark.parametrize(
    "path", ["/account/login/", "/account/signup/", "/account/password/reset/"]
)
def test_a_visitor_can_open_the_entrance(client: Client, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 200
    assert b"entrance-card" in page.content


def test_wrong_input_is_summed_up_and_points_to_its_field(client: Client) -> None:
    page = client.post("/account/login/", {"login": "no address", "password": ""}).content.decode()
    assert "error-summary" in page
    assert 'href="#id_login"' in page
    assert 'aria-describedby="id_login_error"' in page


@pytest.mark.parametrize(
    "path", ["/account/email/", "/account/password/change/", "/account/2fa/", "/account/sessions/"]
)
def test_a_member_sees_the_account_pages_in_the_shell(
    client: Client, acme: Tenant, alice: User, path: str
) -> None:
    client.force_login(alice)
    page = client.get(path, follow=True).content.decode()
    assert "sidebar" in page or "entrance-card" in page  # a fresh login is asked for at times
    assert acme.name in page or "entrance-card" in page


def test_the_style_page_is_for_operators(client: Client, alice: User) -> None:
    assert client.get("/design/").status_code == 404
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    client.force_login(alice)
    page = client.get("/design/")
    assert page.status_code == 200
    assert b"error-summary" in page.content


def test_the_language_follows_the_choice(client: Client) -> None:
    client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/"})
    assert 'lang="zh-hans"' in client.get("/").content.decode()


def test_an_unknown_address_names_its_request(client: Client) -> None:
    answer = client.get("/nowhere/", HTTP_ACCEPT="text/html")
    assert answer.status_code == 404
    assert answer["X-Request-Id"] in answer.content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/account/2fa/totp/activate/",
        "/account/2fa/webauthn/",
        "/account/2fa/webauthn/add/",
        "/account/password/change/",
        "/account/logout/",
    ],
)
def test_the_security_pages_show_once_the_password_is_given_again(
    client: Client, acme: Tenant, alice: User, path: str
) -> None:
    client.force_login(alice)
    client.post("/account/reauthenticate/", {"password": "correct horse battery"})
    page = client.get(path)
    assert page.status_code == 200
    assert acme.name in page.content.decode()


def test_log_lines_carry_the_id_that_the_caller_is_told(client: Client) -> None:
    with structlog.testing.capture_logs(
        processors=[structlog.contextvars.merge_contextvars]
    ) as lines:
        answer = client.get("/problems/not-found/")
    assert {line["request_id"] for line in lines} == {answer["X-Request-Id"]}
