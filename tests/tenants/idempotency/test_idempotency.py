"""A repeated Idempotency-Key does nothing twice and gets the first answer again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from generation.models import Brand
from tenants.idempotency.models import IdempotencyRecord
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.support.api import key_for

pytestmark = pytest.mark.django_db

BRANDS = "/api/v1/brands/"


def post(api: APIClient, key: str | None = "k-1", **body: Any) -> Any:
    headers = {} if key is None else {"HTTP_IDEMPOTENCY_KEY": key}
    return api.post(BRANDS, {"name": "Lumen"} | body, **headers)


def brands(tenant: Tenant) -> int:
    with tenant_scope(tenant):
        return Brand.objects.count()


def test_a_retry_gets_the_same_bytes_and_makes_nothing(api: APIClient, acme: Tenant) -> None:
    first, again = post(api), post(api)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first["Location"] == again["Location"]
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert brands(acme) == 1


def test_a_quoted_key_is_the_same_key(api: APIClient, acme: Tenant) -> None:
    post(api, "k-1")
    assert post(api, '"k-1"')["Idempotency-Replayed"] == "true"


def test_the_same_key_for_another_request_is_refused(api: APIClient) -> None:
    post(api)
    refused = post(api, name="Another")
    assert refused.status_code == 422
    assert refused.json()["code"] == "idempotency_key_reused"


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tkey", "ключ", " "])
def test_a_key_that_is_no_key_is_refused(api: APIClient, key: str) -> None:
    refused = post(api, key)
    assert refused.status_code == 400
    assert refused.json()["code"] == "idempotency_key_invalid"


def test_a_refused_body_is_not_kept(api: APIClient) -> None:
    assert post(api, name="").status_code == 422
    assert post(api).status_code == 201


def test_a_conflict_is_kept_and_takes_back_what_was_done(api: APIClient, acme: Tenant) -> None:
    post(api, "first")
    refused = post(api, "second")
    assert refused.status_code == 409
    assert refused.json()["code"] == "already_exists"
    again = post(api, "second")
    assert again.content == refused.content
    assert again["Idempotency-Replayed"] == "true"
    assert brands(acme) == 1


def test_two_keys_of_one_workspace_do_not_share_idempotency_keys(
    api: APIClient, acme: Tenant, stranger: APIClient
) -> None:
    post(api)
    assert "Idempotency-Replayed" not in post(stranger)


def test_a_key_is_forgotten_after_a_day(api: APIClient, acme: Tenant) -> None:
    post(api)
    with tenant_scope(acme):
        IdempotencyRecord.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert post(api).status_code == 409
    with tenant_scope(acme):
        assert IdempotencyRecord.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_at_once_make_one(acme: Tenant, alice: User) -> None:
    secret = key_for(acme, by=alice)

    def call(_: int) -> int:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        try:
            return int(post(client).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(call, range(16)))
    assert set(codes) <= {201, 409}
    assert 201 in codes
    assert brands(acme) == 1
