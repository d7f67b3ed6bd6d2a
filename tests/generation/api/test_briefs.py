"""Ordering copy over the API, and what becomes of each variant."""

from typing import Any

import pytest
from django.test import override_settings
from rest_framework.test import APIClient

from generation.models import Brand, Brief, Variant
from tenants.billing.services import balance, reserve
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.generation.conftest import run_jobs
from tests.support.api import client_for

pytestmark = pytest.mark.django_db(transaction=True)

BRIEFS = "/api/v1/briefs/"


def order(api: APIClient, brand: Brand, key: str = "k-1", **changes: Any) -> Any:
    body = {"kind": "search_ad", "brand": str(brand.pk), "variants": 2} | changes
    body.setdefault("fields", {"product": "Anvils", "points": ["Heavy", "Black"]})
    return api.post(BRIEFS, body, HTTP_IDEMPOTENCY_KEY=key)


def variants_of(api: APIClient, brief: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/api/v1/variants/", {"brief": brief}).json()["data"]
    return sorted(found, key=lambda variant: variant["number"])


def test_a_brief_is_written_in_its_variants(api: APIClient, brand: Brand, acme: Tenant) -> None:
    made = order(api, brand)
    assert made.status_code == 201
    assert [variant["state"] for variant in made.json()["variants"]] == ["queued"] * 2
    run_jobs()
    for variant in variants_of(api, made.json()["id"]):
        assert variant["state"] == "ready"
        assert len(variant["data"]["headlines"]) >= 3
        job = api.get(f"/api/v1/jobs/{variant['job']}/").json()
        assert (job["state"], job["progress"]) == ("succeeded", 100)
    with tenant_scope(acme):
        assert balance().reserved == 0


def test_a_retried_order_is_written_and_paid_once(
    api: APIClient, brand: Brand, acme: Tenant
) -> None:
    first, again = order(api, brand), order(api, brand)
    assert first.content == again.content
    with tenant_scope(acme):
        assert Brief.objects.count() == 1
        assert Variant.objects.count() == 2


def test_an_order_needs_its_key(api: APIClient, brand: Brand) -> None:
    refused = api.post(BRIEFS, {"kind": "search_ad", "brand": str(brand.pk), "fields": {}})
    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_missing")


def test_without_credits_nothing_is_ordered(api: APIClient, brand: Brand, acme: Tenant) -> None:
    with tenant_scope(acme):
        reserve(amount=balance().available, purpose="test", key="all")
    refused = order(api, brand)
    assert (refused.status_code, refused.json()["code"]) == (402, "insufficient_credits")
    assert refused.json()["required"] > refused.json()["available"] == 0
    assert order(api, brand)["Idempotency-Replayed"] == "true"
    with tenant_scope(acme):
        assert not Brief.objects.exists()


def test_a_field_that_the_kind_lacks_is_named(api: APIClient, brand: Brand) -> None:
    refused = order(api, brand, fields={"product": "Anvils", "points": ["Heavy"], "colour": "red"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/fields/colour"


@override_settings(LIMITS={"generations": 1})
def test_orders_are_limited_and_reads_go_on(api: APIClient, brand: Brand) -> None:
    assert order(api, brand, "k-1").status_code == 201
    refused = order(api, brand, "k-2")
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.json()["policy"] == "generations"
    assert refused.json()["retry_after"] == int(refused["Retry-After"]) > 0
    assert api.get(BRIEFS).status_code == 200


@override_settings(LIMITS={"queued_jobs": 2})
def test_70_a_full_queue_takes_no_more(api: APIClient, brand: Brand, acme: Tenant) -> None:
    assert order(api, brand, "k-1").status_code == 201
    refused = order(api, brand, "k-2")
    assert (refused.status_code, refused.json()["code"]) == (429, "queue_full")
    assert int(refused["Retry-After"]) > 0
    run_jobs()
    assert order(api, brand, "k-2").status_code == 201


def test_a_key_without_the_scope_orders_nothing(acme: Tenant, brand: Brand) -> None:
    refused = order(client_for(acme, ["read", "write"]), brand)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")


def test_a_variant_is_edited_rated_and_picked(api: APIClient, brief: Brief) -> None:
    run_jobs()
    variant = variants_of(api, str(brief.pk))[0]
    where = f"/api/v1/variants/{variant['id']}/"
    edited = api.patch(where, {"text": "Anvils, cheap", "rating": 1}).json()
    assert (edited["rating"], edited["model_text"]) == (1, variant["model_text"])
    assert edited["issues"][0]["code"] == "banned_term"
    first, again = api.post(f"{where}pick/"), api.post(f"{where}pick/")
    assert first.json()["text"] == "Anvils, cheap\n"
    assert first.json()["id"] == again.json()["id"]


def test_an_edit_that_loses_the_whole_text_is_refused(api: APIClient, brand: Brand) -> None:
    where = f"/api/v1/variants/{order(api, brand).json()['variants'][0]['id']}/"
    run_jobs()
    before = api.get(where).json()["text"]
    refused = api.patch(where, {"text": "No headings at all"})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "blank")
    assert api.get(where).json()["text"] == before


def test_a_waiting_variant_can_be_stopped_and_written_anew(api: APIClient, brief: Brief) -> None:
    where = f"/api/v1/variants/{variants_of(api, str(brief.pk))[0]['id']}/"
    assert api.post(f"{where}pick/").json()["code"] == "variant_not_ready"
    assert api.post(f"{where}stop/").json()["state"] == "stopped"
    anew = api.post(f"{where}retry/", HTTP_IDEMPOTENCY_KEY="again")
    assert (anew.status_code, anew.json()["state"]) == (202, "queued")
    refused = api.post(f"{where}retry/", HTTP_IDEMPOTENCY_KEY="more")
    assert refused.json()["code"] == "variant_in_progress"


def test_more_variants_can_be_had_up_to_eight(api: APIClient, brief: Brief) -> None:
    where = f"{BRIEFS}{brief.pk}/variants/"
    more = api.post(where, {"count": 5}, HTTP_IDEMPOTENCY_KEY="more")
    assert (more.status_code, len(more.json()["variants"])) == (201, 8)
    refused = api.post(where, {"count": 1}, HTTP_IDEMPOTENCY_KEY="still more")
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_variants")


def test_a_waiting_job_is_cancelled_at_once(api: APIClient, brief: Brief) -> None:
    job = variants_of(api, str(brief.pk))[0]["job"]
    assert api.post(f"/api/v1/jobs/{job}/cancel/").json()["state"] == "cancelled"
    listed = api.get("/api/v1/jobs/", {"state": "cancelled", "kind": "generate"}).json()["data"]
    assert [each["id"] for each in listed] == [job]


def test_a_changed_brief_says_anew_what_is_wrong_with_its_texts(
    api: APIClient, brand: Brand, acme: Tenant
) -> None:
    made = order(api, brand, variants=1).json()
    where = f"{BRIEFS}{made['id']}/"
    refused = api.patch(where, {"length": 10})
    assert (refused.status_code, refused.json()["code"]) == (409, "variant_in_progress")
    run_jobs()
    fields = {"product": "Anvils", "points": ["Holds exactly 77 hammers"]}
    changed = api.patch(where, {"fields": fields})
    assert (changed.status_code, changed.json()["fields"]["points"]) == (200, fields["points"])
    (variant,) = variants_of(api, made["id"])
    assert "missing" in {issue["code"] for issue in variant["issues"]}
    refused = api.patch(where, {"fields": {"product": "Anvils", "colour": "red"}})
    assert refused.json()["errors"][0]["pointer"].startswith("/fields/")
    assert api.patch(where, {"kind": "note"}).json()["errors"][0]["code"] == "unknown_field"


def test_a_deleted_brief_leaves_what_was_picked(api: APIClient, brand: Brand) -> None:
    made = order(api, brand, variants=1).json()
    where = f"{BRIEFS}{made['id']}/"
    assert api.delete(where).status_code == 409
    run_jobs()
    (variant,) = variants_of(api, made["id"])
    content = api.post(f"/api/v1/variants/{variant['id']}/pick/").json()["id"]
    assert api.delete(where).status_code == 204
    assert api.get(where).status_code == 404
    kept = api.get(f"/api/v1/contents/{content}/").json()
    assert (kept["brief"], kept["variant"]) == (None, None)


def bulk(api: APIClient, brand: Brand, *products: str) -> Any:
    orders = [
        {
            "kind": "search_ad",
            "brand": str(brand.pk),
            "variants": 1,
            "fields": {"product": product, "points": ["Heavy"]},
        }
        for product in products
    ]
    return api.post(f"{BRIEFS}bulk/", {"briefs": orders}, HTTP_IDEMPOTENCY_KEY="many")


def test_many_briefs_are_ordered_at_once(api: APIClient, brand: Brand) -> None:
    made = bulk(api, brand, "Anvils", "Tongs")
    assert made.status_code == 201
    assert [brief["title"] for brief in made.json()["data"]] == ["Anvils", "Tongs"]
    run_jobs()
    ids = ",".join(brief["id"] for brief in made.json()["data"])
    listed = api.get(BRIEFS, {"ids": ids}).json()["data"]
    assert {brief["variants"][0]["state"] for brief in listed} == {"ready"}


def test_one_bad_order_stops_them_all_and_is_named(
    api: APIClient, brand: Brand, acme: Tenant
) -> None:
    refused = bulk(api, brand, "Anvils", "")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/briefs/1/fields/product"
    with tenant_scope(acme):
        assert not Brief.objects.exists()
