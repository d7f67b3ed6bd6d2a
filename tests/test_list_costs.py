"""A list costs as many statements with thirty rows as with three, in the portal and in the API."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.generation.conftest import note
from tests.support.api import key_for
from tests.support.lists import LISTS, NO_LISTS
from tests.support.tally import tally
from tests.test_routes import IN_API, IN_PORTAL, TABLES

__all__ = ["note"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("note")]

FEW, MANY = 3, 30
COUNT = tally("statements of lists")


def readable(names: set[str]) -> set[str]:
    return {name for name in names & TABLES.keys() if "GET" in TABLES[name].calls}


def test_every_route_is_known_to_show_a_list_or_none() -> None:
    found = readable(IN_PORTAL | IN_API)
    missing = found - LISTS.keys() - NO_LISTS
    assert missing == set(), "Add these to tests/support/lists.py, in the commit that adds them."
    assert LISTS.keys() & NO_LISTS == set()
    assert (LISTS.keys() | NO_LISTS) - found == set()


@pytest.mark.parametrize("name", sorted(LISTS))
def test_a_list_costs_the_same_for_many_rows(
    name: str, acme: Tenant, alice: User, client: Client, settings: Any
) -> None:
    settings.LIMITS = {"brands": 1_000, "audiences": 1_000}
    few, many = (answered(name, acme, alice, client, rows) for rows in (FEW, MANY))
    COUNT.attempts += 1
    COUNT.failures += len(few.statements) != len(many.statements)
    assert len(many.statements) == len(few.statements), difference(few, many)
    assert len(many.body) > len(few.body), "The list does not show what lists.py makes."
    COUNT.controls += 1


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, and the statements that it took."""

    body: bytes
    statements: list[str]


def answered(name: str, tenant: Tenant, owner: User, client: Client, rows: int) -> Answer:
    """The route's answer where it has so many rows, which are taken back."""
    headers: dict[str, str] = {}
    if name in IN_API:
        headers["authorization"] = f"Bearer {key_for(tenant)}"
    else:
        client.force_login(owner)
    with transaction.atomic():
        with tenant_scope(tenant):
            named = LISTS[name](rows)
        where: dict[str, Any] = {"slug": tenant.slug, **named} if name in IN_PORTAL else named
        path = reverse(name, kwargs=where)
        client.get(path, headers=headers)  # fills the caches, and notes the visit in the session
        with CaptureQueriesContext(connection) as caught:
            response = client.get(path, headers=headers)
        body = response.getvalue()
        transaction.set_rollback(True)
    assert response.status_code == 200, body
    return Answer(body, [query["sql"] for query in caught.captured_queries])


def difference(few: Answer, many: Answer) -> str:
    """Which statements come more often for more rows, by their beginnings."""
    before, after = (Counter(map(beginning, answer.statements)) for answer in (few, many))
    more = [f"{count} more: {text}" for text, count in (after - before).items()]
    return "\n".join([f"{len(few.statements)} -> {len(many.statements)}", *more])


def beginning(statement: str) -> str:
    return statement.split()[0] if "SAVEPOINT" in statement else statement[:160]
