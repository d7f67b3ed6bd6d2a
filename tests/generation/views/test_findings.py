"""Findings stand where their words stand: in a card, in a preview, in the order of their weight."""

import re
from typing import Any

import pytest
from django.test import Client

from generation.models import Brand, Brief, Content, Variant
from generation.presentation.marks import to_marks, with_edges
from tests.generation.views.conftest import Url

pytestmark = pytest.mark.django_db

AD = {
    "headlines": ["Anvils that land", "Cheap anvils"],
    "descriptions": ["Saves 40% of your time."],
}
PLAIN = {"params": {}, "suggestion": ""}


def issue(part: str, start: int, end: int, severity: str = "warning") -> dict[str, Any]:
    found = {"code": "x", "message": "No.", "part": part, "start": start, "end": end}
    return {**found, "severity": severity, **PLAIN}


@pytest.fixture
def ad(content: Content) -> Variant:
    """A finished ad with a doubt and, behind it, an error."""
    brief = Brief.objects.create(
        kind="search_ad",
        title="Anvils",
        fields={"product": "Anvils", "points": ["Heavy"]},
        brand=Brand.objects.first(),
    )
    issues = [issue("descriptions.0", 6, 9), issue("headlines.1", 0, 5, "error"), issue("", 0, 0)]
    text = brief.kind_spec.render(AD)
    state = Variant.State.READY
    return Variant.objects.create(
        brief=brief, number=1, state=state, text=text, model_text=text, data=AD, issues=issues
    )


def test_the_words_are_marked_in_the_card_and_the_badge_leads_there(
    editor: Client, url: Url, ad: Variant
) -> None:
    page = editor.get(url("brief", ad.brief_id)).content.decode()
    marks = re.findall(r'<mark class="found (found-\w+)" id="([\w-]+)">(.*?)</mark>', page)
    assert set(marks) == {
        ("found-error", "variant-1-found-0", "Cheap"),
        ("found-warning", "variant-1-found-1", "40%"),
    }
    badge = re.search(r'class="badge badge-danger"\s+href="#variant-1-found-0"', page)
    assert badge, "an error decides the colour, and comes first"
    items = re.findall(r'<li class="(issue-\w+)"', page)
    assert items == ["issue-error", "issue-warning", "issue-warning"]
    assert not re.search("[\ue000-\uf8ff]", page)


def test_what_cannot_be_marked_is_led_to_in_the_list(editor: Client, url: Url, ad: Variant) -> None:
    ad.issues = [issue("", 0, 0)]
    ad.save(update_fields=["issues"])
    page = editor.get(url("brief", ad.brief_id)).content.decode()
    assert 'href="#variant-1-found-item-0"' in page
    assert 'id="variant-1-found-item-0"' in page


@pytest.mark.parametrize(
    ("text", "span", "marked"),
    [
        ("a <b> c", (2, 5), "a <mark>&lt;b&gt;</mark> c"),
        ("- one\n- two", (0, 5), "<li><mark>one</mark></li>"),
        ("so **very bold** it", (5, 19), "<strong><mark>very bold</mark></strong><mark> it</mark>"),
        ("see https://a.example/x now", (4, 23), "https://a.example/x"),
        ("[here](https://a.example/x)", (7, 20), 'href="https://a.example/x"'),
    ],
)
def test_marks_leave_the_html_whole(text: str, span: tuple[int, int], marked: str) -> None:
    from generation.kinds.markup import to_html

    edges = with_edges({"body": text}, [issue("body", *span)])
    html = to_marks(to_html(edges["body"]), ["warning"], "")
    assert marked in re.sub(r"<mark [^>]*>", "<mark>", html)
    assert html.count("<mark") == html.count("</mark>")
    assert not re.search("[\ue000-\uf8ff]|%EE%8", html)


def test_overlapping_and_impossible_places_are_left_alone() -> None:
    data = {"lines": ["one two"], "body": "x" * 1000, "odd": "\ue000"}
    issues = [
        issue("lines.0", 0, 5, "error"),
        issue("lines.0", 3, 7),
        issue("lines.9", 0, 3),
        issue("nothing.0", 0, 3),
        issue("body", 0, 1000),
        issue("odd", 0, 1),
    ]
    found = with_edges(data, issues)
    assert to_marks(found["lines"][0], ["error"], "f") == (
        '<mark class="found found-error" id="f-0">one t</mark>wo'
    )
    assert (found["body"], found["odd"], data["lines"]) == ("x" * 1000, "\ue000", ["one two"])


def test_the_green_line_names_what_was_checked(editor: Client, url: Url, content: Content) -> None:
    clean = editor.post(url("content-preview", content.pk), {"line-0": "Anvils."}).content.decode()
    assert "Nothing found." in clean
    assert "Checked: banned terms" in clean
    assert "nothing invented" not in clean
    content.brief = None
    content.save(update_fields=["brief"])
    alone = editor.post(url("content-preview", content.pk), {"line-0": "Anvils."}).content.decode()
    assert "Nothing found." not in alone
    assert "no brief" in alone


def test_a_post_is_counted_as_its_network_counts(editor: Client, url: Url, ad: Variant) -> None:
    brief = ad.brief
    brief.kind, brief.fields = "social_post", {"network": "x", "product": "Anvils", "points": ["a"]}
    brief.save(update_fields=["kind", "fields"])
    post = Content(kind="social_post", title="Anvils", brief=brief)
    post.add_version(text="Anvils", data={"text": "Anvils", "hashtags": []})
    text = "See https://example.com/" + "a" * 300 + " 铁砧"
    page = editor.post(url("content-preview", post.pk), {"text-0": text}).content.decode()
    assert "32 of" in page, "4 + 23 for the link + 1 + 2 x 2"
    assert "as X counts" in page
