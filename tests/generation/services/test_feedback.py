"""Ratings, picks, approvals and edits are counted by the version that wrote the text."""

from datetime import timedelta

import pytest
from django.utils import timezone

from generation.models import Content, Variant
from generation.services.contents import content_approve
from generation.services.feedback import feedback
from tenants.actors import Actor, acting
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.generation.conftest import note
from tests.routes.generation import LINE, TEXT, make_brief

__all__ = ["note"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("note")]
CHALLENGER = "c" * 64
LONG_AGO = timezone.now() - timedelta(days=1)


def written(by: str, **values: object) -> Variant:
    texts = {"text": TEXT, "model_text": TEXT, "data": LINE}
    made = {"brief": make_brief(), "number": 1, "state": "ready", "adapter_sha256": by}
    return Variant.objects.create(**made, **texts, **values)


def kept(variant: Variant, text: str, *, approve: bool) -> None:
    content = Content(kind="note", title="Anvils", brief=variant.brief, variant=variant)
    content.add_version(text=text, data=LINE)
    if approve:
        content_approve(content=content, sha256=content.sha256)


def test_each_versions_texts_are_counted_apart(acme: Tenant, alice: User) -> None:
    with tenant_scope(acme), acting(Actor(user=alice)):
        liked = written("", rating=1)
        written("", rating=-1)
        picked = written(CHALLENGER, picked_at=timezone.now())
        kept(liked, TEXT, approve=True)
        kept(picked, "", approve=False)
        found = feedback(["", CHALLENGER], LONG_AGO)
        later = feedback([""], timezone.now())
    base, challenger = found[""], found[CHALLENGER]
    assert (base.texts, base.liked.hits, base.liked.cases) == (2, 1, 2)
    assert (base.approved.hits, base.picked.hits, base.changed.value) == (1, 0, 0.0)
    assert (challenger.texts, challenger.picked.hits, challenger.liked.cases) == (1, 1, 0)
    assert (challenger.approved.hits, challenger.changed.value) == (0, 1.0)
    assert later[""].texts == 0
