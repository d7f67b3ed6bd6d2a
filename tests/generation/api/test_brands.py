"""Brands, audiences and kinds over the API."""

import pytest
from rest_framework.test import APIClient

from generation.models import Brand, Brief
from tenants.models import Tenant
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db

BRANDS = "/api/v1/brands/"


def test_a_brand_lives(api: APIClient) -> None:
    made = api.post(BRANDS, {"name": "Lumen", "facts": ["Two-year guarantee"]})
    assert made.status_code == 201
    where = made["Location"]
    assert api.get(where).json()["facts"] == ["Two-year guarantee"]
    changed = api.patch(where, {"tone": "warm"})
    assert (changed.status_code, changed.json()["tone"]) == (200, "warm")
    assert api.delete(where).status_code == 204
    assert api.get(where).status_code == 404


def test_a_slash_at_the_end_is_not_needed(api: APIClient) -> None:
    assert api.post("/api/v1/brands", {"name": "Lumen"}).status_code == 201
    assert len(api.get("/api/v1/brands").json()["data"]) == 1


def test_only_one_brand_is_the_default(api: APIClient, acme: Tenant) -> None:
    for name in ("One", "Two"):
        assert api.post(BRANDS, {"name": name, "is_default": True}).status_code == 201
    with tenant_scope(acme):
        assert Brand.objects.get(is_default=True).name == "Two"


def test_a_name_is_taken_once(api: APIClient) -> None:
    api.post(BRANDS, {"name": "Lumen"})
    refused = api.post(BRANDS, {"name": "Lumen"})
    assert (refused.status_code, refused.json()["code"]) == (409, "already_exists")


def test_a_brand_in_use_stays(api: APIClient, brief: Brief) -> None:
    refused = api.delete(f"{BRANDS}{brief.brand_id}/")
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")


def test_a_patch_changes_only_what_it_names(api: APIClient, brand: Brand, acme: Tenant) -> None:
    api.patch(f"{BRANDS}{brand.pk}/", {"about": "Anvils"})
    with tenant_scope(acme):
        kept = Brand.objects.get(pk=brand.pk)
    assert (kept.about, kept.banned, kept.name) == ("Anvils", ["cheap"], "Acme")


def test_kinds_say_what_their_briefs_ask(api: APIClient) -> None:
    names = [kind["name"] for kind in api.get("/api/v1/kinds/").json()]
    assert "search_ad" in names
    shown = api.get("/api/v1/kinds/search_ad/").json()
    assert shown["fields_schema"]["required"] == ["product", "points"]
    assert api.get("/api/v1/kinds/poem/").status_code == 404


def test_pages_hold_every_row_once(api: APIClient) -> None:
    names = [f"Brand {number:02}" for number in range(7)]
    for name in names:
        api.post(BRANDS, {"name": name})
    seen, cursor = [], None
    while True:
        query = {"limit": 3, "order": "name"} | ({"after": cursor} if cursor else {})
        page = api.get(BRANDS, query).json()
        seen += [row["name"] for row in page["data"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break
    assert seen == names
    back = api.get(BRANDS, {"limit": 3, "order": "name", "before": page["previous_cursor"]}).json()
    assert [row["name"] for row in back["data"]] == names[3:6]
    assert back["has_more"]


def test_a_list_begins_with_the_newest(api: APIClient) -> None:
    for name in ("Old", "New"):
        api.post(BRANDS, {"name": name})
    assert [row["name"] for row in api.get(BRANDS).json()["data"]] == ["New", "Old"]
    assert api.get(BRANDS).json()["previous_cursor"] is not None


def test_answers_tell_how_the_limits_stand(api: APIClient) -> None:
    answer = api.get(BRANDS)
    assert answer["RateLimit-Policy"] == '"requests";q=600;w=60'
    assert answer["RateLimit"].startswith('"requests";r=599;t=')
    assert answer["X-Request-Id"].startswith("req_")
    assert answer["Cache-Control"] == "no-store"


def test_a_format_that_is_not_there_is_not_acceptable(api: APIClient) -> None:
    answer = api.get("/api/v1/brands/?format=xml")
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
