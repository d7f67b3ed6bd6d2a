"""Every route of the URL resolver, called as everybody, against the tables in tests/routes."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tenants.models import Role, Tenant, User
from tenants.scope import tenant_scope
from tests.generation.conftest import note
from tests.routes import api, generation, jobs, recommendations, saas, tenants, training
from tests.routes.table import Call, Route
from tests.support.api import ALL as ALL_SCOPES
from tests.support.api import key_for
from tests.support.rows import tenant_models
from tests.support.tally import tally

__all__ = ["note"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("note")]

TABLES = {
    **saas.ROUTES,
    **tenants.ROUTES,
    **jobs.ROUTES,
    **training.ROUTES,
    **recommendations.ROUTES,
    **generation.ROUTES,
    **api.ROUTES,
}
EXEMPT = {
    "account/": "allauth's own pages, about nobody but the caller: tests/tenants/test_accounts.py",
    "admin/": "operators only, held by test_the_admin_refuses_everybody_else",
    "i18n/": "Django's language switch sets a cookie and nothing else",
}
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
OWN_PAGES = {"workspace-new", "profile"}
STAFF_ONLY = "admin/"
COUNT = tally("routes")
FOREIGN = tally("foreign ids in routes")


@dataclass(frozen=True, slots=True)
class Found:
    """A route of the resolver."""

    path: str
    name: str

    @property
    def exempt(self) -> bool:
        return self.path.startswith(tuple(EXEMPT)) and self.name not in TABLES


def walk(patterns: list[Any], prefix: str = "") -> Iterator[Found]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            yield Found(path, pattern.name or "")


ALL = list(walk(get_resolver().url_patterns))
IN_PORTAL = {found.name for found in ALL if found.path.startswith("w/<slug:slug>/")}
IN_API = {found.name for found in ALL if found.path.startswith(("api/v1/", "v1/"))}


def calls(names: set[str]) -> list[Any]:
    return [
        pytest.param(name, method, id=f"{method} {name}")
        for name in sorted(names & TABLES.keys())
        for method in TABLES[name].calls
    ]


def test_every_route_is_in_a_table() -> None:
    missing = [found for found in ALL if not found.exempt and found.name not in TABLES]
    assert missing == [], "Add these to a table in tests/routes/, in the commit that adds them."


def test_every_line_of_a_table_is_a_route() -> None:
    assert TABLES.keys() - {found.name for found in ALL} == set()


def test_every_exemption_is_used_and_they_are_few() -> None:
    used = {prefix for prefix in EXEMPT for found in ALL if found.path.startswith(prefix)}
    assert used == EXEMPT.keys()
    assert len(EXEMPT) <= 10


@pytest.fixture
def cast(
    acme: Tenant, other: Tenant, alice: User, ada: User, bob: User, victor: User, charlie: User
) -> dict[str, User | AnonymousUser]:
    """Everybody, by what they are at Acme."""
    return {
        "anonymous": AnonymousUser(),
        "outsider": charlie,
        Role.VIEWER: victor,
        Role.EDITOR: bob,
        Role.ADMIN: ada,
        Role.OWNER: alice,
    }


def address(name: str, route: Route, row: dict[str, Any]) -> str:
    kwargs = {**route.kwargs, **row}
    return reverse(name, kwargs={"slug": "acme", **kwargs} if name in IN_PORTAL else kwargs)


def browser(user: User | AnonymousUser) -> Client:
    client = Client()
    if user.is_authenticated:
        client.force_login(user)
    return client


def ask(client: Client, method: str, path: str, call: Call, **headers: str) -> Any:
    """One request, whose effects are taken back."""
    json = path.startswith(("/api/", "/v1/"))
    extra: dict[str, Any] = {"data": dict(call.data)}
    if json and method != "GET":
        extra |= {} if call.form else {"content_type": "application/json"}
        headers |= {"idempotency-key": str(uuid4())}
    with transaction.atomic():
        response = getattr(client, method.lower())(path, headers=headers, **extra)
        transaction.set_rollback(True)
    return response


def portal_status(person: str, call: Call) -> int:
    """What the table says that this person is answered."""
    if person == "anonymous":
        return 302
    if call.who == "user":
        return call.status
    if person == "outsider":
        return 404
    return call.status if Role(person).covers(call.who) else 403


@pytest.mark.parametrize("name", sorted((IN_PORTAL | OWN_PAGES) & TABLES.keys()))
def test_the_portal_answers_everybody_as_the_table_says(
    name: str, cast: dict[str, Any], acme: Tenant, alice: User
) -> None:
    route = TABLES[name]
    path = address(name, route, route.row(acme, alice))
    for person, user in cast.items():
        client = browser(user)
        for method, call in route.calls.items():
            response = ask(client, method, path, call)
            check(f"{method} by {person}", response.status_code, portal_status(person, call))
            if person == "anonymous":
                assert response["Location"].startswith("/account/login/?next=")
    for method in METHODS - route.calls.keys():
        check(f"{method} by owner", ask(client, method, path, Call("owner")).status_code, 405)


def check(person: str, status: int, expected: int) -> None:
    COUNT.attempts += 1
    if status != expected:
        COUNT.failures += 1
        pytest.fail(f"{person} got {status}, the table says {expected}")
    COUNT.controls += expected not in {302, 401, 403, 404}


@pytest.mark.parametrize(("name", "method"), calls(IN_API))
def test_the_api_answers_every_key_as_the_table_says(
    name: str, method: str, cast: dict[str, Any], acme: Tenant, other: Tenant, alice: User
) -> None:
    route = TABLES[name]
    call = route.calls[method]
    row = route.row(acme, alice)
    path = address(name, route, row)
    public = call.who == "public"
    lacking = [scope for scope in ALL_SCOPES if scope not in call.who.split()]
    keys = {
        "no key": ("", call.status if public else 401),
        "a wrong key": ("sk_00000000_wrong", 401),
        "a key without the scope": (key_for(acme, lacking), call.status if public else 403),
        "a key with the scope": (key_for(acme), call.status),
        "a viewer's key": (
            key_for(acme, role=Role.VIEWER),
            call.status if public or method == "GET" else 403,
        ),
        "another workspace's key": (key_for(other), 404 if row else call.status),
    }
    for person, (key, expected) in keys.items():
        headers = {"authorization": f"Bearer {key}"} if key else {}
        check(person, ask(Client(), method, path, call, **headers).status_code, expected)
    if not public:  # a browser's session opens no door here
        check("owner", ask(browser(alice), method, path, call).status_code, 401)


@pytest.mark.parametrize(("name", "method"), calls(TABLES.keys() - IN_PORTAL - IN_API - OWN_PAGES))
def test_public_routes_answer_everybody_the_same(
    name: str, method: str, cast: dict[str, Any], acme: Tenant, alice: User
) -> None:
    route = TABLES[name]
    call = route.calls[method]
    assert call.who == "public"
    for person, user in cast.items():
        check(
            person,
            ask(browser(user), method, address(name, route, {}), call).status_code,
            call.status,
        )


def with_rows(names: set[str]) -> list[Any]:
    return [param for param in calls(names) if "pk" in patterns_of(param.values[0])]


def patterns_of(name: str) -> str:
    return next(found.path for found in ALL if found.name == name)


@pytest.mark.parametrize(("name", "method"), with_rows(IN_PORTAL | IN_API))
def test_another_workspaces_id_is_answered_like_one_that_never_was(
    name: str, method: str, acme: Tenant, other: Tenant, alice: User, charlie: User
) -> None:
    route = TABLES[name]
    foreign = route.row(other, charlie)
    unknown = {key: uuid4() if isinstance(value, UUID) else value for key, value in foreign.items()}
    client = browser(alice)
    headers = {"accept": "application/json", "x-request-id": "same-request"}
    if name in IN_API:
        client = Client()
        headers |= {"authorization": f"Bearer {key_for(acme)}"}
    before = digest(other)
    answers = [
        ask(client, method, address(name, route, row), route.calls[method], **headers)
        for row in (foreign, unknown)
    ]
    FOREIGN.attempts += 1
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert digest(other) == before, "another workspace's rows were changed"
    own = address(name, route, route.row(acme, alice))
    assert ask(client, method, own, route.calls[method], **headers).status_code != 404
    FOREIGN.controls += 1


def digest(tenant: Tenant) -> dict[str, str]:
    """What stands in all of a workspace's rows, by table."""
    found = {}
    with tenant_scope(tenant), connection.cursor() as cursor:
        for table in (model._meta.db_table for model in tenant_models()):
            cursor.execute(f'SELECT md5(string_agg(t::text, chr(10) ORDER BY id)) FROM "{table}" t')
            found[table] = cursor.fetchone()[0]
    return found


@pytest.mark.parametrize("person", ["anonymous", "outsider", *Role])
def test_the_admin_refuses_everybody_else(person: str, cast: dict[str, Any]) -> None:
    client = browser(cast[person])
    for found in ALL:
        if not found.path.startswith(STAFF_ONLY) or found.name in {"login", "logout"}:
            continue
        path = "/" + re.sub(r"<[^>]*>|\(.*?\)|\^|\$", str(uuid4()), found.path)
        check(person, client.get(path).status_code, 302)


def test_a_key_in_the_address_is_refused(acme: Tenant, caller: Callable[..., Any]) -> None:
    answer = caller(f"/api/v1/brands/?api_key={key_for(acme)}")
    assert (answer.status_code, answer.json()["code"]) == (400, "key_in_url")


@pytest.fixture
def caller() -> Callable[..., Any]:
    return Client().get
