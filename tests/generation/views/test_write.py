"""A brief's form: what it asks, what it refuses, what it costs."""

from typing import Any

import pytest
from django.test import Client

from generation.models import Brand, Brief, Variant
from tenants.billing import services as billing
from tenants.billing.prices import CREDIT
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.generation.views.conftest import Url


def answers(acme_brand: Brand, **changes: Any) -> dict[str, Any]:
    given = {
        "q-topic": "Anvils",
        "q-tags": "heavy\nuseful",
        "brand": str(acme_brand.pk),
        "language": "en",
        "variants": "2",
    }
    return given | changes


def test_a_brief_is_written_in_as_many_variants_as_asked(
    editor: Client, url: Url, note: str, brand: Brand, in_acme: None
) -> None:
    answer = editor.post(url("brief-new", note), answers(brand))
    brief = Brief.objects.get()
    assert answer.url == url("brief", brief.pk)
    assert brief.fields == {"topic": "Anvils", "tags": ["heavy", "useful"]}
    assert brief.variants.unfinished().count() == 2
    assert brief.created_by.email == "bob@acme.test"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"q-topic": ""}, "id_q-topic"),
        ({"q-topic": "x" * 201}, "id_q-topic"),
        ({"variants": "9"}, "id_variants"),
        ({"variants": "many"}, "id_variants"),
        ({"language": "tlh"}, "id_language"),
        ({"brand": "not-a-uuid"}, "id_brand"),
    ],
)
def test_a_wrong_answer_is_named_and_nothing_typed_is_lost(
    editor: Client, url: Url, note: str, brand: Brand, changes: dict[str, str], field: str
) -> None:
    answer = editor.post(url("brief-new", note), answers(brand, **changes))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert f'href="#{field}"' in page
    assert "heavy\nuseful" in page


def test_a_full_queue_is_said_on_the_form(
    editor: Client, url: Url, note: str, brand: Brand, settings: Any, in_acme: None
) -> None:
    settings.LIMITS = {"queued_jobs": 1}
    answer = editor.post(url("brief-new", note), answers(brand))
    assert answer.status_code == 429
    assert "Waiting jobs: 0 of 1 are taken" in answer.content.decode()
    assert "heavy\nuseful" in answer.content.decode()
    assert not Brief.objects.exists()


def test_a_foreign_brand_is_no_choice(
    editor: Client, url: Url, note: str, brand: Brand, other: Tenant
) -> None:
    with tenant_scope(other):
        rival = Brand.objects.create(name="Rival")
    answer = editor.post(url("brief-new", note), answers(brand, brand=str(rival.pk)))
    assert answer.status_code == 422


def test_without_credits_the_page_says_which_limit_and_what_to_do(
    editor: Client, url: Url, note: str, brand: Brand, in_acme: None
) -> None:
    all_of_it = billing.balance().available
    billing.reserve(amount=all_of_it - CREDIT // 1000, purpose="test", key="test")
    answer = editor.post(url("brief-new", note), answers(brand))
    page = answer.content.decode()
    assert answer.status_code == 402
    assert "monthly credits" in page
    assert "fewer variants" in page
    assert "Anvils" in page
    assert not Brief.objects.exists()
    assert not Variant.objects.exists()


def test_the_estimate_grows_with_the_variants(
    editor: Client, url: Url, note: str, brand: Brand
) -> None:
    def cost(variants: str) -> float:
        answer = editor.post(
            url("brief-estimate", note), answers(brand, variants=variants), HTTP_HX_REQUEST="true"
        )
        return float(answer.content.decode().split('<strong class="num">')[1].split("<")[0])

    assert cost("8") == pytest.approx(8 * cost("1"), abs=0.08)


def test_half_a_brief_has_an_estimate_too(
    editor: Client, url: Url, note: str, brand: Brand
) -> None:
    assert editor.post(url("brief-estimate", note), {"variants": "x"}).status_code == 200


def test_the_example_fills_the_form(editor: Client, url: Url, brand: Brand) -> None:
    page = editor.get(url("brief-new", "search_ad"), {"example": "1"}).content.decode()
    assert 'value="loose-leaf tea subscription"' in page


def test_an_earlier_brief_can_be_changed_into_a_new_one(
    editor: Client, url: Url, brief: Brief
) -> None:
    page = editor.get(url("brief-new", brief.kind), {"from": str(brief.pk)}).content.decode()
    assert 'value="Anvils"' in page
    assert editor.get(url("brief-new", brief.kind), {"from": "rubbish"}).status_code == 200


def test_without_a_brand_the_way_leads_to_one(editor: Client, url: Url, note: str) -> None:
    page = editor.get(url("brief-new", note)).content.decode()
    assert url("brand-new") in page


def test_who_only_looks_orders_nothing(
    viewer: Client, url: Url, note: str, brand: Brand, in_acme: None
) -> None:
    assert viewer.post(url("brief-new", note), answers(brand)).status_code == 403
    assert not Brief.objects.exists()
