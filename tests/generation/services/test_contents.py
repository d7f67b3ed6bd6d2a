"""The life of a content; above all, that an approval is for one exact text."""

import pytest

from generation.models import Brief, Content, ContentEvent
from generation.services import (
    content_approve,
    content_edit,
    content_publish,
    content_restore,
    content_return,
    content_submit,
    variant_pick,
)
from generation.services.briefs import Author
from saas.errors import Conflict, Invalid, PreconditionFailed
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.generation.conftest import run_jobs

pytestmark = pytest.mark.django_db


@pytest.fixture
def content(brief: Brief, alice: User, acme: Tenant) -> Content:
    run_jobs()
    with tenant_scope(acme):
        return variant_pick(variant=brief.variants.get(number=1), author=Author(user=alice))


def approved(content: Content, actor: User) -> Content:
    content_submit(content=content, actor=actor)
    content_approve(content=content, actor=actor, sha256=content.sha256)
    return Content.objects.get(pk=content.pk)


def test_it_goes_from_draft_to_published(content: Content, alice: User, acme: Tenant) -> None:
    with tenant_scope(acme):
        published = content_publish(content=approved(content, alice), actor=alice)
        actions = list(content.events.order_by("created_at").values_list("action", flat=True))
    assert published.status == Content.Status.PUBLISHED
    assert actions == ["created", "submitted", "approved", "published"]


def test_an_edit_voids_the_approval(content: Content, alice: User, acme: Tenant) -> None:
    with tenant_scope(acme):
        edited = content_edit(content=approved(content, alice), text="Other words", actor=alice)
        assert edited.status == Content.Status.DRAFT
        assert edited.approval() is None
        assert content.approvals.get().voided_by == alice
        assert content.events.filter(action=ContentEvent.Action.VOIDED).exists()


def test_the_same_text_is_no_edit(content: Content, alice: User, acme: Tenant) -> None:
    with tenant_scope(acme):
        same = content_edit(content=approved(content, alice), text=content.text, actor=alice)
        assert same.status == Content.Status.APPROVED
        assert same.version == 1


def test_only_the_text_that_was_seen_is_approved(
    content: Content, alice: User, acme: Tenant
) -> None:
    seen = content.sha256
    with tenant_scope(acme):
        content_edit(content=content, text="Changed meanwhile", actor=alice)
        with pytest.raises(PreconditionFailed):
            content_approve(content=content, actor=alice, sha256=seen)


def test_a_stale_editor_does_not_overwrite(content: Content, alice: User, acme: Tenant) -> None:
    with tenant_scope(acme):
        content_edit(content=content, text="First", actor=alice, expected=1)
        with pytest.raises(PreconditionFailed) as caught:
            content_edit(content=content, text="Second", actor=alice, expected=1)
    assert caught.value.extra["version"] == 2


def test_a_draft_is_not_published(content: Content, alice: User, acme: Tenant) -> None:
    with tenant_scope(acme), pytest.raises(Conflict):
        content_publish(content=content, actor=alice)


def test_it_can_be_sent_back_with_a_reason(content: Content, alice: User, acme: Tenant) -> None:
    with tenant_scope(acme):
        content_submit(content=content, actor=alice)
        returned = content_return(content=content, actor=alice, comment="Too long")
        assert returned.status == Content.Status.DRAFT
        assert content.events.first().comment == "Too long"


def test_an_earlier_version_can_be_restored(content: Content, alice: User, acme: Tenant) -> None:
    with tenant_scope(acme):
        first = content.versions.get(number=1)
        content_edit(content=content, text="Worse words", actor=alice)
        restored = content_restore(content=content, version=first, actor=alice)
    assert restored.text == first.text
    assert restored.version == 3


def test_an_empty_text_is_refused(content: Content, alice: User, acme: Tenant) -> None:
    with tenant_scope(acme), pytest.raises(Invalid):
        content_edit(content=content, text="  \n", actor=alice)


def test_search_is_literal(content: Content, acme: Tenant) -> None:
    with tenant_scope(acme):
        word = content.text.split()[0]
        assert Content.objects.search(word).count() == 1
        assert Content.objects.search("%").count() == 0
