"""A content's page: edit, conflict, review, versions, export."""

import json

import pytest
from django.http import QueryDict
from django.test import Client

from generation import kinds
from generation.forms.parts import edit_form
from generation.models import Content
from tenants.events import history
from tests.generation.views.conftest import Url

Status = Content.Status


def save(client: Client, url: Url, content: Content, text: str, version: int) -> int:
    answer = client.post(url("content", content.pk), {"line-0": text, "version": version})
    content.refresh_from_db()
    return answer.status_code


def test_saving_makes_a_version(editor: Client, url: Url, content: Content) -> None:
    assert save(editor, url, content, "Anvils fall.", 1) == 302
    assert (content.text, content.version) == ("Anvils fall.\n", 2)
    assert content.versions.first().author.email == "bob@acme.test"


def test_lines_from_a_browser_do_not_count_as_edited() -> None:
    kind = kinds.load("social_post")
    data = {"text": "One.\n\nTwo.", "hashtags": []}
    posted = QueryDict(mutable=True)
    posted.update({"text-0": "One.\r\n\r\nTwo."})
    form = edit_form(kind, data, posted)
    assert form.is_valid()
    assert form.text == kind.render(data)


def test_who_comes_second_sees_both_texts_and_loses_neither(
    editor: Client, owner: Client, url: Url, content: Content
) -> None:
    save(owner, url, content, "Anvils rise.", 1)
    answer = editor.post(url("content", content.pk), {"line-0": "Anvils sink.", "version": 1})
    page = answer.content.decode()
    assert answer.status_code == 412
    assert "rise" in page
    assert 'value="Anvils sink."' in page
    assert 'name="version" value="2"' in page
    assert save(editor, url, content, "Anvils sink.", 2) == 302
    assert content.text == "Anvils sink.\n"


@pytest.mark.parametrize("version", ["", "x", "-1", "²"])
def test_a_version_that_makes_no_sense_is_a_conflict(
    editor: Client, url: Url, content: Content, version: str
) -> None:
    answer = editor.post(url("content", content.pk), {"line-0": "Anvils.", "version": version})
    assert answer.status_code == 412


def test_an_empty_text_is_refused(editor: Client, url: Url, content: Content) -> None:
    assert save(editor, url, content, "", 1) == 422
    assert content.version == 1


def test_markdown_can_be_edited_as_a_whole(editor: Client, url: Url, content: Content) -> None:
    page = editor.get(url("content", content.pk), {"as": "markdown"}).content.decode()
    assert '<textarea name="markdown"' in page
    editor.post(url("content", content.pk), {"markdown": "Anvils\r\nring.", "version": 1})
    content.refresh_from_db()
    assert content.text == "Anvils ring.\n"


def test_the_preview_shows_what_is_typed_and_checks_it(
    editor: Client, url: Url, content: Content
) -> None:
    page = editor.post(url("content-preview", content.pk), {"line-0": "A cheap anvil"})
    assert "A cheap anvil" in page.content.decode()
    assert "“cheap” is banned." in page.content.decode()
    content.refresh_from_db()
    assert content.text == "Anvils\n"


def test_editors_ask_and_admins_approve(
    editor: Client, owner: Client, url: Url, content: Content
) -> None:
    editor.post(url("content-submit", content.pk), {"comment": "For Monday"})
    content.refresh_from_db()
    assert content.status == Status.IN_REVIEW
    assert editor.post(url("content-approve", content.pk)).status_code == 403
    owner.post(url("content-approve", content.pk), {"sha256": content.sha256})
    owner.post(url("content-publish", content.pk))
    content.refresh_from_db()
    assert content.status == Status.PUBLISHED
    assert content.approval().approved_by.email == "alice@acme.test"
    assert "For Monday" in owner.get(url("content", content.pk)).content.decode()


def test_only_the_text_that_was_seen_is_approved(
    editor: Client, owner: Client, url: Url, content: Content
) -> None:
    seen = content.sha256
    save(editor, url, content, "Anvils fall.", 1)
    owner.post(url("content-approve", content.pk), {"sha256": seen})
    content.refresh_from_db()
    assert content.status == Status.DRAFT
    assert content.approval() is None


def test_an_edit_voids_the_approval(
    editor: Client, owner: Client, url: Url, content: Content
) -> None:
    owner.post(url("content-approve", content.pk), {"sha256": content.sha256})
    save(editor, url, content, "Anvils fall.", 1)
    assert (content.status, content.approval()) == (Status.DRAFT, None)
    owner.post(url("content-publish", content.pk))
    content.refresh_from_db()
    assert content.status == Status.DRAFT


def test_it_is_sent_back_with_a_reason(
    editor: Client, owner: Client, url: Url, content: Content
) -> None:
    editor.post(url("content-submit", content.pk))
    owner.post(url("content-return", content.pk), {"comment": "Too heavy"})
    content.refresh_from_db()
    assert content.status == Status.DRAFT
    assert "Too heavy" in editor.get(url("content", content.pk)).content.decode()


def test_an_earlier_text_comes_back_as_a_new_version(
    editor: Client, url: Url, content: Content
) -> None:
    save(editor, url, content, "Anvils fall.", 1)
    page = editor.get(url("content-version", content.pk, 1)).content.decode()
    assert "fall" in page
    editor.post(url("content-restore", content.pk, 1))
    content.refresh_from_db()
    assert (content.text, content.version) == ("Anvils\n", 3)
    assert editor.get(url("content-version", content.pk, 9)).status_code == 404


def test_archiving_hides_it_and_loses_nothing(editor: Client, url: Url, content: Content) -> None:
    editor.post(url("content-archive", content.pk))
    assert content.title not in editor.get(url("library")).content.decode().split("<main")[1]
    editor.post(url("content-unarchive", content.pk))
    content.refresh_from_db()
    assert content.archived_at is None


@pytest.mark.parametrize(
    ("layout", "media_type", "begin"),
    [
        ("markdown", "text/markdown", b"Anvils"),
        ("html", "text/html", b"<!doctype html>"),
        ("csv", "text/csv", b"\xef\xbb\xbfline"),
        ("json", "application/json", b"{"),
    ],
)
def test_it_can_be_taken_along(
    viewer: Client, url: Url, content: Content, layout: str, media_type: str, begin: bytes
) -> None:
    answer = viewer.get(url("content-export", content.pk, layout))
    assert answer["Content-Type"].startswith(media_type)
    assert answer["Content-Disposition"].startswith('attachment; filename="anvils.')
    assert answer.content.startswith(begin)
    exported = history(content).get(name="content.exported")
    assert exported.user.email == "victor@acme.test"


def test_a_chinese_title_names_its_file(owner: Client, url: Url, content: Content) -> None:
    Content.objects.filter(pk=content.pk).update(title="铁砧\r\nX: y")
    answer = owner.get(url("content-export", content.pk, "json"))
    assert "filename*=utf-8''%E9%93%81%E7%A0%A7" in answer["Content-Disposition"]
    assert json.loads(answer.content)["sha256"] == content.sha256


def test_an_unknown_layout_is_not_there(owner: Client, url: Url, content: Content) -> None:
    assert owner.get(url("content-export", content.pk, "docx")).status_code == 404


@pytest.mark.parametrize("step", ["submit", "approve", "return", "publish", "archive"])
def test_who_only_looks_moves_nothing(
    viewer: Client, url: Url, content: Content, step: str
) -> None:
    assert viewer.post(url(f"content-{step}", content.pk)).status_code == 403
    assert viewer.post(url("content", content.pk), {"line-0": "x"}).status_code == 403
