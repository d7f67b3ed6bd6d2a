"""The library: found by words and filters, taken along and put away together."""

import io
import json
import zipfile

import pytest
from django.test import Client

from generation.models import Brand, Brief, Content
from tenants.models import User
from tests.generation.views.conftest import Url

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def three(note: str, in_acme: None) -> list[Content]:
    """Three contents called One, Two and 100%."""
    made = []
    for title in ("One", "Two", "100%"):
        content = Content(kind="note", title=title)
        content.add_version(text=f"{title}\n", data={"line": title})
        made.append(content)
    return made


def titles(client: Client, url: Url, **query: str) -> set[str]:
    page = client.get(url("library"), query, **HTMX).content.decode()
    return {title for title in ("One", "Two", "100%") if f">{title}</a>" in page}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"One", "Two", "100%"}),
        ({"q": "one"}, {"One"}),
        ({"q": "ON"}, {"One"}),
        ({"q": "ne"}, set()),
        ({"q": "one One"}, {"One"}),
        ({"q": "100%"}, {"100%"}),
        ({"q": "100$"}, set()),
        ({"q": "100"}, {"100%"}),
        ({"q": "%"}, {"100%"}),
        ({"q": "_"}, set()),
        ({"q": "'; DROP TABLE"}, set()),
        ({"q": "two one"}, set()),
        ({"status": "draft"}, {"One", "Two", "100%"}),
        ({"status": "approved"}, set()),
        ({"language": "zh-hans"}, set()),
        ({"kind": "article"}, set()),
        ({"kind": "rubbish", "sort": "rubbish"}, {"One", "Two", "100%"}),
        ({"archived": "on"}, set()),
        ({"page": "99"}, {"One", "Two", "100%"}),
    ],
)
def test_it_is_searched_literally_and_filtered(
    viewer: Client, url: Url, three: list[Content], query: dict[str, str], found: set[str]
) -> None:
    assert titles(viewer, url, **query) == found


@pytest.mark.parametrize("words", ["x" * 201, "a\0b"])
def test_words_that_make_no_sense_do_no_harm(
    viewer: Client, url: Url, three: list[Content], words: str
) -> None:
    assert viewer.get(url("library"), {"q": words}).status_code == 200


def test_it_is_sorted(viewer: Client, url: Url, three: list[Content]) -> None:
    page = viewer.get(url("library"), {"sort": "title"}).content.decode()
    assert page.index(">100%</a>") < page.index(">One</a>") < page.index(">Two</a>")


def test_long_lists_have_pages(viewer: Client, url: Url, note: str, in_acme: None) -> None:
    for number in range(21):
        Content(kind="note", title=f"No {number}").add_version(
            text="x\n", data={"line": f"No {number}"}
        )
    page = viewer.get(url("library"), {"q": "x"}).content.decode()
    assert "page=2" in page
    assert "q=x" in page
    assert "No 0" in viewer.get(url("library"), {"page": "2"}).content.decode()


def test_pieces_are_taken_along_as_one_archive(
    viewer: Client, url: Url, three: list[Content]
) -> None:
    wanted = [str(three[0].pk), str(three[2].pk), "rubbish"]
    answer = viewer.post(url("library-export"), {"content": wanted, "layout": "csv"})
    files = zipfile.ZipFile(io.BytesIO(answer.content))
    assert files.read("note.csv").decode("utf-8-sig").split() == ["line", "One", "100%"]
    answer = viewer.post(url("library-export"), {"content": wanted, "layout": "json"})
    files = zipfile.ZipFile(io.BytesIO(answer.content))
    assert {json.loads(files.read(name))["title"] for name in files.namelist()} == {"One", "100%"}


def test_nothing_ticked_is_nothing_taken(viewer: Client, url: Url, three: list[Content]) -> None:
    assert viewer.post(url("library-export"), {"layout": "csv"}).url == url("library")
    assert viewer.post(url("library-export"), {"layout": "exe"}).status_code == 404


def test_another_workspaces_pieces_are_not_among_them(
    outsider: Client, three: list[Content]
) -> None:
    answer = outsider.post(
        "/w/other/library/export", {"content": str(three[0].pk), "layout": "csv"}
    )
    assert answer.status_code == 302


def test_many_are_submitted_and_archived_at_once(
    editor: Client, url: Url, three: list[Content]
) -> None:
    pks = [str(content.pk) for content in three]
    editor.post(url("library-move"), {"content": pks[:2], "step": "submit"})
    assert Content.objects.filter(status="in_review").count() == 2
    answer = editor.post(url("library-move"), {"content": pks, "step": "submit"}, follow=True)
    assert "2 pieces stayed as they were." in answer.content.decode()
    editor.post(url("library-move"), {"content": pks, "step": "archive"})
    assert titles(editor, url) == set()
    assert titles(editor, url, archived="on") == {"One", "Two", "100%"}
    editor.post(url("library-move"), {"content": pks, "step": "unarchive"})
    assert titles(editor, url) == {"One", "Two", "100%"}


@pytest.mark.parametrize("back", ["https://evil.test/w/acme/library/", "//evil.test", "/account/"])
def test_the_way_back_leads_nowhere_else(
    editor: Client, url: Url, three: list[Content], back: str
) -> None:
    given = {"content": str(three[0].pk), "step": "archive", "next": back}
    assert editor.post(url("library-move"), given).url == url("library")


def test_who_only_looks_moves_nothing(viewer: Client, url: Url, three: list[Content]) -> None:
    given = {"content": str(three[0].pk), "step": "archive"}
    assert viewer.post(url("library-move"), given).status_code == 403


@pytest.fixture
def spring(three: list[Content], alice: User) -> list[Content]:
    """One is Alice's, of the brand Lumen and its campaign for spring."""
    one = three[0]
    brand = Brand.objects.create(name="Lumen")
    one.brief = Brief.objects.create(
        kind="note", title="One", fields={"topic": "x"}, brand=brand, campaign="Spring"
    )
    one.created_by = alice
    one.save(update_fields=["brief", "created_by"])
    return three


def test_it_is_filtered_by_brand_owner_and_campaign(
    viewer: Client, url: Url, spring: list[Content], alice: User
) -> None:
    brief = spring[0].brief
    assert brief is not None
    for query in (
        {"brand": str(brief.brand_id)},
        {"owner": str(alice.pk)},
        {"campaign": "Spring"},
        {"campaign": "Spring", "owner": str(alice.pk)},
    ):
        assert titles(viewer, url, **query) == {"One"}, query
    assert titles(viewer, url, campaign="Autumn", brand="x") == {"One", "Two", "100%"}


def test_a_favourite_is_everybodys_own(
    viewer: Client, editor: Client, url: Url, three: list[Content]
) -> None:
    one = three[0]
    assert viewer.post(url("content-favourite", one.pk)).status_code == 302
    assert titles(viewer, url, favourite="on") == {"One"}
    assert titles(editor, url, favourite="on") == set()
    assert 'aria-pressed="true"' in viewer.get(url("content", one.pk)).content.decode()
    viewer.post(url("content-favourite", one.pk))
    assert titles(viewer, url, favourite="on") == set()
