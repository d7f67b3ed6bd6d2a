"""Whatever was archived or deleted comes back by the button of its toast, once."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from generation.models import Audience, Brand, Brief, Content
from recommendations.models import Scenario
from tenants.models import Tenant, User
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db

ClientFor = Callable[[User], Client]


@pytest.fixture
def browser(client_for: ClientFor, bob: User) -> Client:
    return client_for(bob)


def act(browser: Client, path: str, **data: Any) -> str:
    """Post, go where it leads, and give the address of the toast's button."""
    page = browser.post(f"/w/acme/{path}", data, follow=True).content.decode()
    found = re.search(r'action="(/w/acme/undo/[\w-]+/)"', page)
    assert found, "no toast offers to undo it"
    return found[1]


def undone(browser: Client, address: str) -> str:
    return browser.post(address, follow=True).content.decode()


@pytest.fixture
def rows(acme: Tenant) -> dict[str, Any]:
    with tenant_scope(acme):
        brand = Brand.objects.create(name="Acme", banned=["cheap"], is_default=True)
        spare = Brand.objects.create(name="Spare", facts=["Founded in 1921"])
        audience = Audience.objects.create(name="Smiths", pains=["Heat"])
        brief = Brief.objects.create(
            kind="search_ad", title="Anvils", fields={}, brand=brand, audience=audience
        )
        content = Content(kind="social_post", title="Anvils")
        content.add_version(text="Anvils", data={"text": "Anvils", "hashtags": []})
        scenario = Scenario.objects.create(key="home", name="Home")
    return {
        "spare": spare,
        "audience": audience,
        "brief": brief,
        "content": content,
        "scenario": scenario,
    }


def test_a_deleted_brand_comes_back_as_it_was(
    browser: Client, acme: Tenant, rows: dict[str, Any]
) -> None:
    address = act(browser, f"brands/{rows['spare'].pk}/delete")
    with tenant_scope(acme):
        assert not Brand.objects.filter(name="Spare").exists()
    assert "It is as it was before." in undone(browser, address)
    with tenant_scope(acme):
        assert Brand.objects.get(pk=rows["spare"].pk).facts == ["Founded in 1921"]
    assert "This can no longer be undone." in undone(browser, address)


def test_a_deleted_audience_is_again_that_of_its_briefs(
    browser: Client, acme: Tenant, rows: dict[str, Any]
) -> None:
    address = act(browser, f"audiences/{rows['audience'].pk}/delete")
    undone(browser, address)
    with tenant_scope(acme):
        assert Brief.objects.get(pk=rows["brief"].pk).audience == rows["audience"]


def test_a_deleted_scenario_comes_back(browser: Client, acme: Tenant, rows: dict[str, Any]) -> None:
    address = act(browser, f"recommend/scenarios/{rows['scenario'].pk}/delete/")
    undone(browser, address)
    with tenant_scope(acme):
        assert Scenario.objects.get(key="home").pk == rows["scenario"].pk


@pytest.mark.parametrize("many", [True, False])
def test_the_archive_gives_back(
    browser: Client, acme: Tenant, rows: dict[str, Any], many: bool
) -> None:
    pk = str(rows["content"].pk)
    way: tuple[str, dict[str, str]] = (f"library/{pk}/archive", {})
    if many:
        way = ("library/move", {"step": "archive", "content": pk})
    address = act(browser, way[0], **way[1])
    with tenant_scope(acme):
        assert Content.objects.get().archived_at is not None
    undone(browser, address)
    with tenant_scope(acme):
        assert Content.objects.get().archived_at is None


def test_a_place_that_was_taken_meanwhile_is_told(
    browser: Client, acme: Tenant, rows: dict[str, Any]
) -> None:
    address = act(browser, f"brands/{rows['spare'].pk}/delete")
    with tenant_scope(acme):
        Brand.objects.create(name="Spare")
    assert "Another one has taken its place." in undone(browser, address)


def test_nobody_else_can_undo_it(
    browser: Client, client_for: ClientFor, acme: Tenant, alice: User, rows: dict[str, Any]
) -> None:
    address = act(browser, f"brands/{rows['spare'].pk}/delete")
    assert "This can no longer be undone." in undone(client_for(alice), address)
    assert "It is as it was before." in undone(browser, address)
