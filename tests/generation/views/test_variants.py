"""A brief's variants: stopped, written anew, edited, compared, rated, picked."""

import pytest
from django.test import Client

from generation.models import Brief, Content, Variant
from tests.generation.conftest import run_jobs
from tests.generation.views.conftest import Url

HTMX = {"HTTP_HX_REQUEST": "true"}


def test_a_brief_that_is_being_written_listens_to_its_stream(
    owner: Client, url: Url, brief: Brief
) -> None:
    page = owner.get(url("brief", brief.pk)).content.decode()
    assert f'data-stream="{url("brief-stream", brief.pk)}"' in page


def test_a_written_brief_listens_to_nothing(owner: Client, url: Url, written: Brief) -> None:
    page = owner.get(url("brief", written.pk)).content.decode()
    assert "data-stream=" not in page
    assert page.count("data-variant=") == 3
    assert "Anvils" in page


def test_a_card_comes_alone_for_htmx(owner: Client, url: Url, variant: Variant) -> None:
    page = owner.get(url("variant", variant.brief_id, 1), **HTMX).content.decode()
    assert page.count("data-variant=") == 1
    assert "<html" not in page


def test_stopping_ends_what_waits(editor: Client, url: Url, brief: Brief, in_acme: None) -> None:
    answer = editor.post(url("variant-stop", brief.pk, 2))
    assert answer.url == url("brief", brief.pk)
    assert brief.variants.get(number=2).state == Variant.State.STOPPED
    assert brief.variants.unfinished().count() == 2


def test_writing_anew_replaces_the_text(editor: Client, url: Url, variant: Variant) -> None:
    before = variant.text
    answer = editor.post(url("variant-retry", variant.brief_id, 1), **HTMX)
    assert b"data-stream=" in answer.content
    run_jobs()
    variant.refresh_from_db()
    assert variant.state == Variant.State.READY
    assert (variant.text, variant.rating) == (before, 0)


def test_writing_anew_waits_for_the_first_try(editor: Client, url: Url, brief: Brief) -> None:
    answer = editor.post(url("variant-retry", brief.pk, 1), **HTMX)
    assert "still being written" in answer["HX-Trigger"]


def test_editing_keeps_the_models_own_text_beside_it(
    editor: Client, url: Url, variant: Variant
) -> None:
    address = url("variant-edit", variant.brief_id, 1)
    assert b'value="Anvils"' in editor.get(address, **HTMX).content
    answer = editor.post(address, {"line-0": "Anvils fall."}, **HTMX)
    variant.refresh_from_db()
    assert b"Edited" in answer.content
    assert variant.text == "Anvils fall.\n"
    assert variant.model_text == "Anvils\n"


def test_an_empty_edit_is_refused(editor: Client, url: Url, variant: Variant) -> None:
    answer = editor.post(url("variant-edit", variant.brief_id, 1), {"line-0": " "}, **HTMX)
    assert answer.status_code == 422
    assert b"The text is empty." in answer.content


def test_the_difference_names_what_went_and_what_came(
    editor: Client, url: Url, variant: Variant
) -> None:
    editor.post(url("variant-edit", variant.brief_id, 1), {"line-0": "Heavy things"})
    page = editor.get(url("variant-diff", variant.brief_id, 1)).content.decode()
    assert "removed: </span>Anvils</del>" in page
    assert "Heavy things</ins>" in page


def test_a_banned_word_is_shown_where_it_stands(editor: Client, url: Url, variant: Variant) -> None:
    answer = editor.post(
        url("variant-edit", variant.brief_id, 1), {"line-0": "A cheap anvil"}, **HTMX
    )
    assert "“cheap” is banned." in answer.content.decode()


@pytest.mark.parametrize(("given", "kept"), [("up", 1), ("down", -1), ("none", 0), ("9", 0)])
def test_rating(editor: Client, url: Url, variant: Variant, given: str, kept: int) -> None:
    editor.post(url("variant-rate", variant.brief_id, 1), {"rating": given}, **HTMX)
    variant.refresh_from_db()
    assert variant.rating == kept


def test_picking_leads_to_the_library_and_happens_once(
    editor: Client, url: Url, variant: Variant
) -> None:
    address = url("variant-pick", variant.brief_id, 1)
    first, second = editor.post(address), editor.post(address)
    content = Content.objects.get()
    assert first.url == second.url == url("content", content.pk)
    assert (content.text, content.status) == (variant.text, Content.Status.DRAFT)


def test_a_picked_variant_that_is_written_anew_is_another_text(
    editor: Client, url: Url, variant: Variant
) -> None:
    editor.post(url("variant-pick", variant.brief_id, 1))
    page = editor.post(url("variant-retry", variant.brief_id, 1), **HTMX).content.decode()
    assert 'data-state="picked"' not in page
    run_jobs()
    editor.post(url("variant-pick", variant.brief_id, 1))
    assert Content.objects.count() == 2


def test_half_a_text_is_shown_but_not_picked(editor: Client, url: Url, variant: Variant) -> None:
    variant.update_fields({"state": "stopped", "text": "Half a <b>", "data": {}})
    page = editor.get(url("variant", variant.brief_id, 1), **HTMX).content.decode()
    assert "Half a &lt;b&gt;" in page
    assert url("variant-pick", variant.brief_id, 1) not in page
    editor.post(url("variant-pick", variant.brief_id, 1))
    assert editor.get(url("variant-edit", variant.brief_id, 1), **HTMX).status_code == 200
    assert not Content.objects.exists()


def test_nothing_is_picked_before_it_is_written(
    editor: Client, url: Url, brief: Brief, in_acme: None
) -> None:
    answer = editor.post(url("variant-pick", brief.pk, 1))
    assert answer.url == url("brief", brief.pk)
    assert not Content.objects.exists()


def test_more_variants_up_to_eight(editor: Client, url: Url, written: Brief) -> None:
    editor.post(url("brief-more", written.pk), {"count": "3"})
    assert sorted(written.variants.values_list("number", flat=True)) == [1, 2, 3, 4, 5, 6]
    editor.post(url("brief-more", written.pk), {"count": "3"})
    assert written.variants.count() == 6
    editor.post(url("brief-more", written.pk), {"count": "2"})
    assert written.variants.count() == 8


def test_a_failed_variant_says_why_and_can_be_tried_again(
    editor: Client, url: Url, variant: Variant
) -> None:
    variant.update_fields(
        {"state": "failed", "error": "The engine is away.", "text": "", "data": {}}
    )
    page = editor.get(url("variant", variant.brief_id, 1), **HTMX).content.decode()
    assert "The engine is away." in page
    assert url("variant-retry", variant.brief_id, 1) in page


@pytest.mark.parametrize("step", ["edit", "stop", "retry", "rate", "pick"])
def test_who_only_looks_changes_nothing(
    viewer: Client, url: Url, variant: Variant, step: str
) -> None:
    assert viewer.post(url(f"variant-{step}", variant.brief_id, 1)).status_code == 403


def test_a_number_without_a_variant_is_not_there(
    editor: Client, url: Url, variant: Variant
) -> None:
    assert editor.get(url("variant", variant.brief_id, 7)).status_code == 404
