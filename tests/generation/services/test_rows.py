"""The workspace's own work becomes rows: approved copy, edits, picks; and keeps coming."""

import json

import pytest
from django.utils import timezone

from generation import kinds
from generation.models import Audience, Brand, Brief, Content, Variant
from generation.services.contents import content_approve, content_edit
from generation.services.demo import BRAND, demo_voice
from generation.services.rows import approved_rows, edited_rows, judged_rows
from generation.writers.prompts import render_brief
from tenants.actors import Actor, acting
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from training import rendering
from training.errors import SourceUnknown
from training.services.datasets import dataset_create
from training.services.sources import (
    offers,
    source_dataset,
    source_follow,
    sources_refresh,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_acme")]
ROWS = demo_voice()


@pytest.fixture
def in_acme(acme: Tenant, alice: User):
    with tenant_scope(acme), acting(Actor(user=alice)):
        yield


def written(number: int = 0, *, approve: bool = True) -> Content:
    """A text that the model wrote and somebody has kept."""
    row = ROWS[number]
    brand = Brand.objects.filter(name=BRAND["name"]).first() or Brand.objects.create(**BRAND)
    people, _ = Audience.objects.get_or_create(name="Renters", description="In a first flat")
    brief = Brief.objects.create(
        kind=row["kind"],
        title="A",
        fields=row["fields"],
        brand=brand,
        audience=people,
    )
    data = kinds.load(row["kind"]).parse(row["text"])
    texts = {"text": row["text"], "model_text": row["text"], "data": data}
    variant = Variant.objects.create(brief=brief, number=1, state="ready", **texts)
    content = Content(kind=row["kind"], title="A", brief=brief, variant=variant)
    content.add_version(text=row["text"], data=data)
    if approve:
        content_approve(content=content, sha256=content.sha256)
    return content


def test_approved_copy_is_learnt_as_the_studio_would_order_it() -> None:
    content = written()
    written(1, approve=False)
    (row,) = approved_rows()
    dataset = source_dataset(name="approved")
    (kept,) = dataset.rows.all()
    found = rendering.messages_of("copy", kept.content)
    brief = content.brief
    assert found[:-1] == render_brief(brief.kind_spec, brief.data())
    assert "Renters" in found[0].content
    assert json.loads(found[-1].content) == content.data
    assert (kept.row_id, kept.origin) == (row["row_id"], "approved")


def test_a_dataset_keeps_up_with_what_is_approved() -> None:
    written(0)
    dataset = source_dataset(name="approved")
    written(1)
    (offer,) = offers(dataset)
    assert (offer.count, offer.taken, offer.fresh, offer.followed) == (2, 1, 1, True)
    sources_refresh(dataset=dataset)
    sources_refresh(dataset=dataset)
    assert dataset.rows.count() == 2
    assert source_dataset(name="approved") == dataset


def test_an_edit_is_preferred_to_what_the_model_wrote() -> None:
    content = written(approve=False)
    kind = content.kind_spec
    name = next(name for name, value in content.data.items() if isinstance(value, str) and value)
    changed = {**content.data, name: f"{content.data[name]} today"}
    content = content_edit(content=content, text=kind.render(changed))
    assert not list(edited_rows())
    content_approve(content=content, sha256=content.sha256)
    (row,) = edited_rows()
    assert json.loads(row["chosen"])[name].endswith("today")
    assert not json.loads(row["rejected"])[name].endswith("today")
    dataset = dataset_create(name="Edits", task="preference")
    assert source_follow(dataset=dataset, name="edits").accepted == 1
    prompt, chosen, rejected = rendering.pair_of(dataset.rows.get().content)
    assert prompt == render_brief(kind, content.brief.data())
    assert (chosen, rejected) == (row["chosen"], row["rejected"])


def test_a_pick_is_preferred_to_its_siblings() -> None:
    first = written(0, approve=False).variant
    kind = first.brief.kind_spec
    other = next(r for r in ROWS[1:] if r["kind"] == kind.name)
    second = Variant.objects.create(
        brief=first.brief,
        number=2,
        state="ready",
        text=other["text"],
        model_text=other["text"],
        data=kind.parse(other["text"]),
    )
    assert not list(judged_rows())
    second.update_fields({"picked_at": timezone.now()})
    (row,) = judged_rows()
    assert json.loads(row["chosen"]) == second.data
    first.update_fields({"rating": -1})
    assert len(list(judged_rows())) == 1


def test_a_source_of_another_task_is_refused() -> None:
    with pytest.raises(SourceUnknown):
        source_follow(dataset=dataset_create(name="A", task="chat"), name="approved")
