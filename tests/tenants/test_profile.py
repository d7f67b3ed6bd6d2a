"""One's own profile."""

from collections.abc import Callable

import pytest
from django.test import Client

from tenants.models import User

pytestmark = pytest.mark.django_db
PROFILE = "/account/profile/"


def test_a_user_changes_their_name(charlie: User, client_for: Callable[[User], Client]) -> None:
    client = client_for(charlie)
    assert client.get(PROFILE).status_code == 200
    assert client.post(PROFILE, {"name": "Charlie Day"}).status_code == 302
    charlie.refresh_from_db()
    assert charlie.display_name == "Charlie Day"


@pytest.mark.parametrize("name", ["x" * 121, "go to http://x.test", "\u200b"])
def test_a_bad_name_is_refused(
    charlie: User, client_for: Callable[[User], Client], name: str
) -> None:
    answer = client_for(charlie).post(PROFILE, {"name": name})
    assert answer.status_code == 422
    charlie.refresh_from_db()
    assert charlie.name == ""


def test_nothing_else_can_be_set_through_it(
    charlie: User, client_for: Callable[[User], Client]
) -> None:
    data = {"name": "C", "is_staff": "1", "is_superuser": "1", "email": "root@x.test"}
    client_for(charlie).post(PROFILE, data)
    charlie.refresh_from_db()
    assert (charlie.is_staff, charlie.is_superuser) == (False, False)
    assert charlie.email == "charlie@other.test"


def test_visitors_sign_in_first(client: Client, db: None) -> None:
    assert client.get(PROFILE).status_code == 302
