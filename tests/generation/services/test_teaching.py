"""What is learnt is what is asked: one function renders both."""

import json
from pathlib import Path

import pytest

from generation import kinds
from generation.kinds.brief import BriefData
from generation.models import Brand
from generation.services.demo import BRAND, demo_voice
from generation.services.teaching import brand_data, copy_checked, copy_messages
from generation.writers.prompts import render_brief
from tenants.models import Tenant
from tenants.scope import tenant_scope
from training import rendering

pytestmark = pytest.mark.django_db
VOICE = Path("generation/data/brightleaf_voice.jsonl")


def test_a_row_is_rendered_by_the_function_that_orders_copy(acme: Tenant) -> None:
    with tenant_scope(acme):
        Brand.objects.create(**BRAND)
        row = demo_voice()[0]
        found = rendering.messages_of("copy", row)
        kind = kinds.load(row["kind"])
        brief = BriefData(kind=kind.name, brand=brand_data(), fields=row["fields"])
        assert found[:-1] == render_brief(kind, brief)
        assert json.loads(found[-1].content) == kind.parse(row["text"])
        assert found[-1].role == "assistant"


def test_another_kind_of_text_teaches_the_voice(acme: Tenant) -> None:
    with tenant_scope(acme):
        for kind in ("letter", "", "landing_hero"):
            row = {"kind": kind, "fields": {}, "text": "Dear plant"}
            order, answer = copy_messages(row)
            assert (order.role, answer.role, answer.content) == ("user", "assistant", "Dear plant")


def test_a_draft_is_read_and_held_to_terms_and_limits(acme: Tenant) -> None:
    with tenant_scope(acme):
        Brand.objects.create(**BRAND)
        row = next(each for each in demo_voice() if each["kind"] == "product_description")
        data = kinds.load(row["kind"]).parse(row["text"])
        good = copy_checked(row, json.dumps(data))
        assert (good.terms, good.limits) == (True, True)
        assert good.text == row["text"]
        assert not copy_checked(row, json.dumps(data | {"body": "A house plant."})).terms
        assert not copy_checked(row, json.dumps(data | {"tagline": "long " * 200})).limits
        broken = copy_checked(row, "Certainly! Here is")
        assert (broken.terms, broken.limits) == (False, False)


def test_the_demos_voice_keeps_to_its_own_facts() -> None:
    rows = [json.loads(line) for line in VOICE.read_text().splitlines()]
    assert 60 <= len(rows) <= 120
    for row in rows:
        kind = kinds.load(row["kind"])
        fields = kind.clean(row["fields"])
        parsed = kind.parse(kind.render(row["data"]))
        assert parsed | row["data"] == parsed, row
        brief = BriefData(kind=kind.name, brand=brand(), fields=fields)
        errors = [i for i in kind.check(row["data"], brief) if i.severity == "error"]
        assert not errors, (row, errors)


def brand() -> object:
    from generation.kinds.brief import BrandData

    return BrandData(name=BRAND["name"], banned=tuple(BRAND["banned"]), facts=tuple(BRAND["facts"]))
