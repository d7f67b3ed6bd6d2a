"""What is published can be recommended; what is not any more cannot."""

from collections.abc import Iterator

import pytest

from generation.models import Brief, Content
from generation.services import (
    content_approve,
    content_archive,
    content_edit,
    content_publish,
    variant_pick,
)
from generation.services.published import item_key
from recommendations.models import Item
from tenants.actors import Actor, acting
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.generation.conftest import run_jobs

pytestmark = pytest.mark.django_db


@pytest.fixture
def published(brief: Brief, alice: User, acme: Tenant) -> Iterator[Content]:
    run_jobs()
    with tenant_scope(acme), acting(Actor(user=alice)):
        content = variant_pick(variant=brief.variants.get(number=1))
        assert not Item.objects.exists()
        content_approve(content=content, sha256=content.sha256)
        yield content_publish(content=content)


def item_of(content: Content) -> Item:
    return Item.objects.get(key=item_key(content))


def test_a_published_content_is_an_item(published: Content) -> None:
    item = item_of(published)
    assert (item.title, item.text, item.type) == (published.title, published.text, published.kind)
    assert (item.hidden, item.source) == (False, "contents")
    assert item.variant_of == f"brief-{published.brief_id}"


def test_an_edit_or_the_archive_hides_it(published: Content) -> None:
    content_archive(content=published)
    assert item_of(published).hidden
    content_edit(content=published, text="Other words")
    assert item_of(published).hidden
