"""The search of the portal finds contents, briefs, brands, people and actions, however spelt."""

import html

import pytest
from django.test import Client

from generation.models import Brand, Brief, Content
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.generation.views.conftest import Url


@pytest.fixture
def things(note: str, in_acme: None, bob: User) -> None:
    bob.name = "Zoë Müller"
    bob.save(update_fields=["name"])
    brand = Brand.objects.create(name="Café Noir")
    Brief.objects.create(kind="note", title="L’été «doux»", fields={"topic": "x"}, brand=brand)
    content = Content(kind="note", title="Crème brûlée")
    content.add_version(text="It’s the “best” naïve-art café\n", data={"line": "Crème brûlée"})


def found(client: Client, url: Url, words: str) -> list[str]:
    page = html.unescape(client.get(url("search"), {"q": words}).content.decode())
    return [each.split("<")[0] for each in page.split('<span class="truncate">')[1:]]


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ("creme", "Crème brûlée"),
        ("BRU\u0302LE\u0301E", "Crème brûlée"),
        ("it's", "Crème brûlée"),
        ("“best”", "Crème brûlée"),
        ('"best"', "Crème brûlée"),
        ("naive-art", "Crème brûlée"),
        ("l'ete", "L’été «doux»"),
        ('"doux"', "L’été «doux»"),
        ("cafe no", "Café Noir"),
        ("zoe muller", "Zoë Müller"),
        ("bob@acme", "Zoë Müller"),
        ("write search", "Write: Search ad"),
        ("new brand", "New brand"),
    ],
)
def test_it_is_found(editor: Client, url: Url, things: None, words: str, label: str) -> None:
    assert label in found(editor, url, words)


def test_who_only_looks_is_offered_nothing_to_begin(viewer: Client, url: Url, things: None) -> None:
    assert found(viewer, url, "new brand") == []
    assert "Café Noir" in found(viewer, url, "cafe")


def test_nothing_of_another_workspace_is_found(
    outsider: Client, things: None, other: Tenant
) -> None:
    for words in ("creme", "ete", "cafe", "zoe"):
        page = outsider.get("/w/other/search/", {"q": words}).content.decode()
        assert 'role="option"' not in page, words
    with tenant_scope(other):
        assert not Content.objects.exists()


@pytest.mark.parametrize("words", ["", "   ", "\0", "%", "_", "\\", "x" * 5000, "'\"&|!()"])
def test_strange_words_find_nothing_and_break_nothing(
    viewer: Client, url: Url, things: None, words: str
) -> None:
    assert viewer.get(url("search"), {"q": words}).status_code == 200
