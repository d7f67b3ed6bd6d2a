"""Brands and audiences: their forms, what they refuse, and when they stay."""

import re

import pytest
from django.test import Client

from generation.models import Audience, Brand, Brief
from tests.generation.views.conftest import Url

FILLED = {
    "name": "Acme",
    "about": "We make anvils.",
    "url": "acme.example",
    "tone": "heavy",
    "do": "Be short\r\n\r\n  Be heavy ",
    "terms": "anvil: annvil, anvill",
    "banned": "cheap\nlight",
    "samples": "One.\nStill one.\r\n \r\nTwo.",
}


def test_the_first_brand_is_the_one_for_new_briefs_and_leads_on(
    editor: Client, url: Url, in_acme: None
) -> None:
    page = editor.get(url("brand-new")).content.decode()
    assert re.search(r'<input[^>]*name="is_default"[^>]*checked', page)
    answer = editor.post(url("brand-new"), FILLED | {"is_default": "on"})
    brand = Brand.objects.get()
    assert answer.url == url("write")
    assert brand.is_default
    assert brand.do == ["Be short", "Be heavy"]
    assert brand.samples == ["One.\nStill one.", "Two."]
    assert brand.url == "https://acme.example"


def test_only_one_brand_is_the_default(
    editor: Client, url: Url, brand: Brand, in_acme: None
) -> None:
    editor.post(url("brand-new"), {"name": "Second", "is_default": "on"})
    assert [each.name for each in Brand.objects.filter(is_default=True)] == ["Second"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "x" * 81}, "at most 80 characters"),
        ({"url": "not a url"}, "Enter a valid URL."),
        ({"banned": "x" * 81}, "at most 80 characters"),
        ({"facts": "\n".join("abc" for _ in range(31))}, "At most 30 entries."),
        ({"terms": ": wrong"}, "nothing before the colon"),
        ({"name": "a\0b"}, "Null characters are not allowed."),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    editor: Client, url: Url, in_acme: None, changes: dict[str, str], said: str
) -> None:
    answer = editor.post(url("brand-new"), FILLED | changes)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page
    assert "We make anvils." in page
    assert not Brand.objects.exists()


def test_a_name_is_given_once(editor: Client, url: Url, brand: Brand) -> None:
    answer = editor.post(url("brand-new"), {"name": "Acme"})
    assert "There is one with this name already." in answer.content.decode()
    assert editor.post(url("brand-edit", brand.pk), {"name": "Acme"}).status_code == 302


def test_the_voice_is_shown_as_the_model_is_told_it(editor: Client, url: Url) -> None:
    page = editor.post(url("brand-voice"), FILLED).content.decode()
    assert "Tone: heavy" in page
    assert "cheap" in page
    assert editor.post(url("brand-voice"), {}).status_code == 200


def test_a_brand_with_briefs_stays(editor: Client, url: Url, brief: Brief, in_acme: None) -> None:
    answer = editor.post(url("brand-delete", brief.brand_id), follow=True)
    assert "has briefs that were written with it" in answer.content.decode()
    assert Brand.objects.exists()


def test_a_brand_without_briefs_can_go(
    editor: Client, url: Url, brand: Brand, in_acme: None
) -> None:
    assert editor.post(url("brand-delete", brand.pk)).url == url("brand-list")
    assert not Brand.objects.exists()


def test_who_only_looks_changes_no_brand(
    viewer: Client, url: Url, brand: Brand, in_acme: None
) -> None:
    assert viewer.post(url("brand-new"), FILLED).status_code == 403
    assert viewer.post(url("brand-edit", brand.pk), FILLED).status_code == 403
    assert viewer.post(url("brand-delete", brand.pk)).status_code == 403
    assert Brand.objects.count() == 1


def test_an_audience_is_made_changed_and_deleted(editor: Client, url: Url, in_acme: None) -> None:
    editor.post(url("audience-new"), {"name": "Coyotes", "pains": "gravity\ncliffs"})
    audience = Audience.objects.get()
    assert audience.pains == ["gravity", "cliffs"]
    editor.post(url("audience-edit", audience.pk), {"name": "Roadrunners"})
    assert Audience.objects.get().name == "Roadrunners"
    assert editor.post(url("audience-delete", audience.pk)).url == url("audience-list")
    assert not Audience.objects.exists()


def test_an_audience_needs_a_name(editor: Client, url: Url) -> None:
    assert editor.post(url("audience-new"), {"name": " "}).status_code == 422
