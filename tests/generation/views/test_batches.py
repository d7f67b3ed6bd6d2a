"""Bulk writing in the portal: the file, its bad rows, its progress, its end."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from generation.models import Batch, Brand, Brief, Variant
from tests.generation.conftest import run_jobs
from tests.generation.views.conftest import Url

GOOD = "topic,tags\nAnvils,heavy;useful\nRockets,\n"


def upload(client: Client, url: Url, brand: Brand, body: str | bytes, **changes: Any) -> Any:
    content = body.encode() if isinstance(body, str) else body
    given = {
        "kind": "note",
        "brand": str(brand.pk),
        "language": "en",
        "variants": "1",
        "file": SimpleUploadedFile("list.csv", content, "text/csv"),
    }
    return client.post(url("batch-new"), given | changes)


def test_each_row_becomes_a_brief(
    editor: Client, url: Url, note: str, brand: Brand, in_acme: None
) -> None:
    answer = upload(editor, url, brand, GOOD)
    batch = Batch.objects.get()
    assert answer.url == url("batch", batch.pk)
    assert [brief.fields["tags"] for brief in Brief.objects.order_by("created_at")] == [
        ["heavy", "useful"],
        [],
    ]
    run_jobs()
    page = editor.get(url("batch", batch.pk)).content.decode()
    assert "2 of 2" in page
    assert "hx-trigger" not in page.split('id="progress"')[1].split(">")[0]


def test_a_bad_row_is_named_and_the_others_are_written(
    editor: Client, url: Url, note: str, brand: Brand, in_acme: None
) -> None:
    rows = ["topic,tags", ",no topic", "Anvils,a", "one,two,three", '"torn" quote,x', "Rockets,b"]
    upload(editor, url, brand, "\n".join(rows))
    batch = Batch.objects.get()
    assert [error["row"] for error in batch.errors] == [2, 4, 5]
    assert batch.errors[0]["field"] == "topic"
    assert sorted(Brief.objects.values_list("title", flat=True)) == ["Anvils", "Rockets"]
    page = editor.get(url("batch", batch.pk)).content.decode()
    assert "This field is required." in page
    lines = editor.get(url("batch-errors", batch.pk)).content.decode("utf-8-sig").splitlines()
    assert lines[0] == "row,field,message"
    assert len(lines) == 4


def test_the_table_of_errors_holds_no_formula(editor: Client, url: Url, in_acme: None) -> None:
    evil = [{"row": 2, "field": "=cmd|' /C calc'!A0", "message": "-1+cmd"}]
    batch = Batch.objects.create(kind="note", name="x.csv", errors=evil)
    line = editor.get(url("batch-errors", batch.pk)).content.decode().splitlines()[1]
    assert line == "2,'=cmd|' /C calc'!A0,'-1+cmd"


def test_rows_beyond_a_full_queue_are_named(
    editor: Client, url: Url, note: str, brand: Brand, settings: Any, in_acme: None
) -> None:
    settings.LIMITS = {"queued_jobs": 1}
    upload(editor, url, brand, GOOD)
    assert [error["row"] for error in Batch.objects.get().errors] == [3]
    assert Brief.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"topic,tags\n", "no rows"),
        (b"topic,colour\nx,red\n", "must name these columns"),
        (b"topic,topic\nx,y\n", "must name these columns"),
        ("topic\ncaf\xe9\n".encode("latin-1"), "not UTF-8"),
        (b"PK\x03\x04\x00\x00", "not a text file"),
        ("topic\n" + "x\n" * 501, "At most 500 rows."),
    ],
)
def test_a_file_that_is_none_is_refused(
    editor: Client, url: Url, note: str, brand: Brand, in_acme: None, body: Any, said: str
) -> None:
    answer = upload(editor, url, brand, body)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Batch.objects.exists()


def test_the_progress_is_asked_for_until_nothing_waits(
    editor: Client, url: Url, note: str, brand: Brand, in_acme: None
) -> None:
    upload(editor, url, brand, GOOD)
    address = url("batch-progress", Batch.objects.get().pk)
    assert b"every 2s" in editor.get(address).content
    run_jobs()
    assert b"every 2s" not in editor.get(address).content


def test_cancelling_stops_all_that_waits(
    editor: Client, url: Url, note: str, brand: Brand, in_acme: None
) -> None:
    upload(editor, url, brand, GOOD)
    editor.post(url("batch-cancel", Batch.objects.get().pk))
    assert set(Variant.objects.values_list("state", flat=True)) == {Variant.State.STOPPED}


def test_the_template_is_a_file_that_can_be_uploaded(
    editor: Client, url: Url, brand: Brand, in_acme: None
) -> None:
    for kind in ("search_ad", "article", "social_post"):
        template = editor.get(url("batch-template", kind))
        assert template["Content-Disposition"] == f'attachment; filename="{kind}.csv"'
        assert upload(editor, url, brand, template.content, kind=kind).status_code == 302
    assert not any(batch.errors for batch in Batch.objects.all())
    assert editor.get(url("batch-template", "sonnet")).status_code == 404


def test_who_only_looks_uploads_nothing(
    viewer: Client, url: Url, note: str, brand: Brand, in_acme: None
) -> None:
    assert upload(viewer, url, brand, GOOD).status_code == 403
