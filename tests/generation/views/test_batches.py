"""Bulk writing in the portal: the file, its columns, its bad rows, its progress, its end."""

import io
import re
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


def write(client: Client, url: Url, brand: Brand, body: str | bytes, **changes: Any) -> Any:
    """Upload a file and take its columns as they were guessed."""
    columns = upload(client, url, brand, body, **changes).url
    page = client.get(columns).content.decode()
    chosen = re.findall(r'<select name="(\w+)".*?</select>', page, re.DOTALL)
    picked = {name: option(page, name) for name in chosen}
    return client.post(columns, picked)


def option(page: str, name: str) -> str:
    """What is chosen in a list of the page."""
    inner = page.split(f'<select name="{name}"')[1].split("</select>")[0]
    found = re.search(r'value="(\d*)" selected', inner)
    return found[1] if found else ""


def fields(client: Client, url: Url, brand: Brand, body: str | bytes, **changes: Any) -> list[Any]:
    """What the rows of a file ask for, in their order."""
    answer = write(client, url, brand, body, **changes)
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    return [brief.fields for brief in Brief.objects.order_by("created_at", "pk")]


def test_each_row_becomes_a_brief(
    editor: Client, url: Url, note: str, brand: Brand, in_acme: None
) -> None:
    answer = write(editor, url, brand, GOOD)
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
    write(editor, url, brand, "\n".join(rows))
    batch = Batch.objects.get()
    assert [error["row"] for error in batch.errors] == [2, 4, 5]
    assert batch.errors[0]["field"] == "topic"
    assert sorted(Brief.objects.values_list("title", flat=True)) == ["Anvils", "Rockets"]
    page = editor.get(url("batch", batch.pk)).content.decode()
    assert "This field is required." in page
    lines = editor.get(url("batch-errors", batch.pk)).content.decode("utf-8-sig").splitlines()
    assert lines[0] == "Row,Column,What is wrong"
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
    write(editor, url, brand, GOOD)
    assert [error["row"] for error in Batch.objects.get().errors] == [3]
    assert Brief.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"topic,tags\n", "no rows"),
        ("topic\ncaf\xe9\n".encode("latin-1"), "not UTF-8"),
        (b"PK\x03\x04\x00\x00", "damaged or locked"),
        (b"topic\nx\x00y\n", "not a text file"),
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
    write(editor, url, brand, GOOD)
    address = url("batch-progress", Batch.objects.get().pk)
    assert b"every 2s" in editor.get(address).content
    run_jobs()
    assert b"every 2s" not in editor.get(address).content


def test_cancelling_stops_all_that_waits(
    editor: Client, url: Url, note: str, brand: Brand, in_acme: None
) -> None:
    write(editor, url, brand, GOOD)
    editor.post(url("batch-cancel", Batch.objects.get().pk))
    assert set(Variant.objects.values_list("state", flat=True)) == {Variant.State.STOPPED}


def test_the_template_is_a_file_that_can_be_uploaded(
    editor: Client, url: Url, brand: Brand, in_acme: None
) -> None:
    for kind in ("search_ad", "article", "social_post"):
        template = editor.get(url("batch-template", kind))
        assert template["Content-Disposition"] == f'attachment; filename="{kind}.csv"'
        assert write(editor, url, brand, template.content, kind=kind).status_code == 302
    assert not any(batch.errors for batch in Batch.objects.all())
    assert editor.get(url("batch-template", "sonnet")).status_code == 404


def test_who_only_looks_uploads_nothing(
    viewer: Client, url: Url, note: str, brand: Brand, in_acme: None
) -> None:
    assert upload(viewer, url, brand, GOOD).status_code == 403


PLAIN = [{"topic": "Anvils", "tags": ["heavy", "useful"]}, {"topic": "Rockets", "tags": []}]


@pytest.mark.parametrize(
    "body",
    [
        "topic,tags\nAnvils,heavy;useful\nRockets,\n",
        'topic;tags\nAnvils;"heavy;useful"\nRockets;\n',
        "topic\ttags\nAnvils\theavy;useful\nRockets\t\n",
        'sep=;\r\ntopic;tags\r\nAnvils;"heavy;useful"\r\nRockets;\r\n',
        "\n\ntopic,tags\nAnvils,heavy;useful\n\nRockets,\n\n",
        "TOPIC,Tags,,\nAnvils,heavy;useful,,\nRockets,,,\n",
        'tags,topic\n"heavy\nuseful",Anvils\n,Rockets\n',
        "\ufefftopic,tags\nAnvils,heavy;useful\nRockets,\n",
        "topic,tags\nAnvils,heavy;useful\nRockets,\n".encode("utf-16"),
    ],
    ids=["comma", "semicolon", "tab", "sep", "blank", "capitals", "breaks", "mark", "utf-16"],
)
def test_a_file_is_read_however_it_was_written(
    editor: Client, url: Url, note: str, brand: Brand, in_acme: None, body: str | bytes
) -> None:
    assert fields(editor, url, brand, body) == PLAIN


def workbook(*rows: list[Any]) -> bytes:
    from openpyxl import Workbook

    book, out = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def test_a_workbook_is_read(
    editor: Client, url: Url, note: str, brand: Brand, in_acme: None
) -> None:
    book = workbook(
        [], ["Topic", "Tags", None], ["Anvils", "heavy\nuseful", None], ["Rockets", 7.0]
    )
    found = fields(editor, url, brand, book)
    assert found == [PLAIN[0], {"topic": "Rockets", "tags": ["7"]}]


def test_columns_are_chosen_and_the_rest_is_shown(
    editor: Client, url: Url, note: str, brand: Brand, in_acme: None
) -> None:
    where = upload(editor, url, brand, "What,Nothing\nAnvils,1\nRockets,2\n,3\n").url
    page = editor.get(where).content.decode()
    assert "Still to choose:" in page
    assert "Rockets" in page
    refused = editor.post(where, {"topic": "", "tags": ""})
    assert refused.status_code == 422
    asked = editor.post(f"{where}?estimate=1", {"topic": "0"}, headers={"HX-Request": "true"})
    told = asked.content.decode()
    assert "2 rows can be written" in told
    assert "1 cannot" in told
    assert "Row 4, Topic: This field is required." in " ".join(told.split())
    assert re.search(r"At most [\d.,]+ credits", told)
    assert not Batch.objects.exists()
    assert editor.post(where, {"topic": "0", "tags": ""}).status_code == 302
    assert sorted(Brief.objects.values_list("title", flat=True)) == ["Anvils", "Rockets"]


def test_the_words_on_screen_name_columns_and_choices(
    editor: Client, url: Url, brand: Brand, in_acme: None
) -> None:
    body = "Product or service,Selling points,NETWORK\nAnvils,Heavy,bluesky\nTongs,Long,X\n"
    found = fields(editor, url, brand, body, kind="social_post")
    assert [each["network"] for each in found] == ["bluesky", "x"]
    assert [each["points"] for each in found] == [["Heavy"], ["Long"]]


def test_the_template_speaks_the_readers_language_and_comes_back(
    editor: Client, url: Url, brand: Brand, in_acme: None
) -> None:
    chinese = {"accept-language": "zh-hans"}
    template = editor.get(url("batch-template", "social_post"), headers=chinese)
    header = template.content.decode("utf-8-sig").splitlines()[0]
    assert re.search("[\u4e00-\u9fff]", header)
    where = upload(editor, url, brand, template.content, kind="social_post").url
    page = editor.get(where, headers=chinese).content.decode()
    assert option(page, "product") != ""
    assert option(page, "network") != ""


@pytest.mark.parametrize(
    "text",
    [
        "👩‍👩‍👧 at home",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "می‌خواهم",
        "क्‍ष",
        "\U0001fae8 \U0001faea",
    ],
)
def test_text_keeps_its_characters(
    editor: Client, url: Url, note: str, brand: Brand, in_acme: None, text: str
) -> None:
    assert fields(editor, url, brand, f"topic\n{text}\n") == [{"topic": text, "tags": []}]


def test_what_only_hides_in_a_text_goes(
    editor: Client, url: Url, note: str, brand: Brand, in_acme: None
) -> None:
    (found,) = fields(editor, url, brand, "topic\nche\u200dap\u200b an\u2066vils\n")
    assert found["topic"] == "cheap anvils"


def test_a_file_that_was_not_kept_is_asked_for_again(
    editor: Client, owner: Client, url: Url, note: str, brand: Brand, in_acme: None
) -> None:
    where = upload(editor, url, brand, GOOD).url
    assert owner.get(where).url == url("batch-new"), "another's file is nobody's business"
    assert editor.get(url("batch-columns", "none")).url == url("batch-new")
