"""What is said to a method that an address does not take: everywhere, and before all else."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tenants.models import Tenant, User

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("path", ["/api/v1/brands/", "/v1/chat/completions", "/api/v1/me/"])
def test_it_is_told_in_words(api: APIClient, path: str, language: str) -> None:
    answer = api.generic("TRACE", path, HTTP_ACCEPT_LANGUAGE=language)
    assert answer.status_code == 405
    said = answer.json().get("detail") or answer.json()["error"]["message"]
    assert "TRACE" in said
    assert not {"{", "}", "%"} & set(said)
    assert answer["Allow"]


def test_the_method_is_looked_at_before_the_query(api: APIClient) -> None:
    assert api.put("/api/v1/brands/?colour=red", {}).status_code == 405
    assert api.get("/api/v1/brands/?colour=red").status_code == 422


def test_a_page_of_the_portal_says_it_too(
    acme: Tenant, alice: User, client_for: Callable[[User], Client]
) -> None:
    answer: Any = client_for(alice).get("/w/acme/library/move")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "does not take this method" in answer.content.decode()
