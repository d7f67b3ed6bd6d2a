"""Ordering copy, and what may be done with its variants."""

import pytest

from generation.engine.echo import BASE_SHA256
from generation.models import Brand, Brief, Content, Variant
from generation.services import (
    brief_request,
    variant_edit,
    variant_pick,
    variant_retry,
    variant_stop,
)
from saas.errors import Conflict, Invalid
from tenants.billing.services import balance
from tenants.jobs.models import Job
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.generation.conftest import run_jobs

pytestmark = pytest.mark.django_db


def first(brief: Brief) -> Variant:
    return brief.variants.select_related("brief").get(number=1)


def test_a_brief_is_written_in_every_variant(brief: Brief, acme: Tenant) -> None:
    run_jobs()
    with tenant_scope(acme):
        variants = list(brief.variants.all())
    assert [variant.state for variant in variants] == [Variant.State.READY] * 3
    assert all(variant.text == variant.model_text != "" for variant in variants)
    assert {variant.base_sha256 for variant in variants} == {BASE_SHA256}
    assert len({variant.seed for variant in variants}) == 3


def test_each_variant_is_reserved_for_and_charged(brief: Brief, acme: Tenant) -> None:
    with tenant_scope(acme):
        assert balance().reserved > 0
    run_jobs()
    with tenant_scope(acme):
        after = balance()
    assert after.reserved == 0
    assert after.spent_this_month > 0


def test_a_wrong_brief_names_each_field_and_orders_nothing(
    note: str, brand: Brand, alice: User, acme: Tenant
) -> None:
    with tenant_scope(acme):
        with pytest.raises(Invalid) as caught:
            brief_request(kind=note, fields={"colour": "red"}, brand=brand)
        assert not Job.objects.exists()
    pointers = {problem["pointer"] for problem in caught.value.extra["errors"]}
    assert pointers == {"/fields/colour", "/fields/topic"}


def test_an_unknown_kind_is_refused_with_the_known_ones(
    brand: Brand, alice: User, acme: Tenant
) -> None:
    with tenant_scope(acme), pytest.raises(Invalid, match="invalid|field|pass") as caught:
        brief_request(kind="poem", fields={}, brand=brand)
    assert "search_ad" in caught.value.extra["errors"][0]["detail"]


def test_a_waiting_variant_can_be_stopped_and_retried(
    brief: Brief, alice: User, acme: Tenant
) -> None:
    with tenant_scope(acme):
        stopped = variant_stop(variant=first(brief))
        assert stopped.state == Variant.State.STOPPED
        again = variant_retry(variant=stopped)
        assert again.state == Variant.State.QUEUED
    run_jobs()
    with tenant_scope(acme):
        assert first(brief).state == Variant.State.READY


def test_a_variant_in_progress_is_not_retried(brief: Brief, alice: User, acme: Tenant) -> None:
    with tenant_scope(acme), pytest.raises(Conflict):
        variant_retry(variant=first(brief))


def test_an_edit_keeps_the_models_text_and_checks_the_new_one(brief: Brief, acme: Tenant) -> None:
    run_jobs()
    with tenant_scope(acme):
        edited = variant_edit(variant=first(brief), text="Our cheap anvils")
    assert edited.text == "Our cheap anvils\n"
    assert edited.model_text != edited.text
    assert [issue["code"] for issue in edited.issues] == ["banned_term"]


def test_picking_twice_gives_one_content(brief: Brief, alice: User, acme: Tenant) -> None:
    run_jobs()
    with tenant_scope(acme):
        made = [variant_pick(variant=first(brief)) for _ in range(2)]
        assert made[0].pk == made[1].pk
        assert Content.objects.count() == 1
        assert made[0].versions.get().sha256 == made[0].sha256
        assert made[0].writer == first(brief).writer == "guided"


def test_a_variant_without_text_cannot_be_picked(brief: Brief, alice: User, acme: Tenant) -> None:
    with tenant_scope(acme), pytest.raises(Conflict):
        variant_pick(variant=first(brief))
