"""The life of a content; above all, that an approval is for one exact text."""

from collections.abc import Iterator

import pytest

from generation.models import Brief, Content
from generation.services import (
    content_approve,
    content_edit,
    content_publish,
    content_restore,
    content_return,
    content_submit,
    variant_pick,
)
from saas.errors import Conflict, Invalid, PreconditionFailed
from tenants.actors import Actor, acting
from tenants.events import history
from tenants.models import ApiKey, Tenant, User
from tenants.scope import tenant_scope
from tests.generation.conftest import run_jobs

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _alice_acts(alice: User) -> Iterator[None]:
    with acting(Actor(user=alice)):
        yield


@pytest.fixture
def content(brief: Brief, alice: User, acme: Tenant) -> Content:
    run_jobs()
    with tenant_scope(acme):
        return variant_pick(variant=brief.variants.get(number=1))


def approved(content: Content) -> Content:
    content_submit(content=content)
    content_approve(content=content, sha256=content.sha256)
    return Content.objects.get(pk=content.pk)


def test_it_goes_from_draft_to_published(content: Content, alice: User, acme: Tenant) -> None:
    with tenant_scope(acme):
        published = content_publish(content=approved(content))
        names = list(history(content).reverse().values_list("name", flat=True))
    assert published.status == Content.Status.PUBLISHED
    steps = ("created", "submitted", "approved", "published")
    assert names == [f"content.{step}" for step in steps]


def test_an_edit_voids_the_approval(content: Content, alice: User, acme: Tenant) -> None:
    with tenant_scope(acme):
        edited = content_edit(content=approved(content), text="Other words")
        assert edited.status == Content.Status.DRAFT
        assert edited.approval() is None
        assert content.approvals.get().voided_by == alice
        assert history(content).filter(name="content.approval_voided").exists()


def test_the_same_text_is_no_edit(content: Content, alice: User, acme: Tenant) -> None:
    with tenant_scope(acme):
        same = content_edit(content=approved(content), text=content.text)
        assert same.status == Content.Status.APPROVED
        assert same.version == 1


def test_only_the_text_that_was_seen_is_approved(
    content: Content, alice: User, acme: Tenant
) -> None:
    seen = content.sha256
    with tenant_scope(acme):
        content_edit(content=content, text="Changed meanwhile")
        with pytest.raises(PreconditionFailed):
            content_approve(content=content, sha256=seen)


def test_a_stale_editor_does_not_overwrite(content: Content, alice: User, acme: Tenant) -> None:
    with tenant_scope(acme):
        content_edit(content=content, text="First", expected=1)
        with pytest.raises(PreconditionFailed) as caught:
            content_edit(content=content, text="Second", expected=1)
    assert caught.value.extra["version"] == 2


def test_a_draft_is_not_published(content: Content, alice: User, acme: Tenant) -> None:
    with tenant_scope(acme), pytest.raises(Conflict):
        content_publish(content=content)


def test_it_can_be_sent_back_with_a_reason(content: Content, alice: User, acme: Tenant) -> None:
    with tenant_scope(acme):
        content_submit(content=content)
        returned = content_return(content=content, comment="Too long")
        assert returned.status == Content.Status.DRAFT
        assert history(content)[0].data["comment"] == "Too long"


def test_an_earlier_version_can_be_restored(content: Content, alice: User, acme: Tenant) -> None:
    with tenant_scope(acme):
        first = content.versions.get(number=1)
        content_edit(content=content, text="Worse words")
        restored = content_restore(content=content, version=first)
    assert restored.text == first.text
    assert restored.version == 3


def test_an_empty_text_is_refused(content: Content, alice: User, acme: Tenant) -> None:
    with tenant_scope(acme), pytest.raises(Invalid):
        content_edit(content=content, text="  \n")


def test_search_is_literal(content: Content, acme: Tenant) -> None:
    with tenant_scope(acme):
        word = content.text.split()[0]
        assert Content.objects.search(word).count() == 1
        assert Content.objects.search("%").count() == 0


def test_an_approval_by_a_key_says_so(content: Content, alice: User, acme: Tenant) -> None:
    with tenant_scope(acme):
        key, _ = ApiKey.issue(name="Site", scopes=["approve"], created_by=alice)
        with acting(Actor(user=alice, api_key=key)):
            approved(content)
        approval = content.approval()
        event = history(content).get(name="content.approved")
    assert approval is not None
    assert (approval.approved_by, approval.api_key) == (alice, key)
    assert (event.actor_name, event.by_key) == ("Alice", "Site")
