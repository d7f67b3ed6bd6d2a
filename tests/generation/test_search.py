"""The library's text index: what it finds, and that it says nothing of another workspace."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.models import QuerySet

from generation.models import Content
from tenants.models import Tenant
from tenants.scope import no_scope, tenant_scope

pytestmark = pytest.mark.django_db

TEXTS = {
    "plain": "Anvils that land softly, on example.com and in every 3D-shop.\n",
    "signs": "It's 100% \\ steel & \"fire\" | 'quoted':* (really!) <b>\n",
    "german": "Größe, ÄRGER und Straße.\n",
    "chinese": "铁砧轻轻落地，价格公道。\n",
    "japanese": "カタログをどうぞ。\n",
    "long": "x" * 3000 + " end\n",
    "empty": "\n",
}


def write(texts: dict[str, str]) -> None:
    for title, text in texts.items():
        content = Content(
            kind="note", title=title, labels=[title, "all of them", "it's \\ a label"]
        )
        content.add_version(text=text, data={"line": text})


@pytest.fixture(autouse=True)
def _contents(note: str, acme: Tenant, other: Tenant) -> Iterator[None]:
    with tenant_scope(other):
        write({"theirs": "".join(TEXTS.values())})
    with tenant_scope(acme):
        write(TEXTS)
        yield


def names(contents: QuerySet[Content]) -> set[str]:
    """By their first label."""
    return {labels[0] for labels in contents.values_list("labels", flat=True)}


def found(words: str) -> set[str]:
    return names(Content.objects.search(words))


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ("anv", {"plain"}),
        ("LAND anvil", {"plain"}),
        ("nvils", set()),
        ("example", {"plain"}),
        ("example.com", {"plain"}),
        ("example-com", set()),
        ("3d", {"plain"}),
        ("3D-shop", {"plain"}),
        ("it's", {"signs"}),
        ("100%", {"signs"}),
        ("100% anvils", set()),
        ("'quoted':*", {"signs"}),
        ("\\", {"signs"}),
        ("<b>", {"signs"}),
        ("größe", {"german"}),
        ("ärger", {"german"}),
        ("轻轻", {"chinese"}),
        ("落地，价", {"chinese"}),
        ("地落", set()),
        ("カタ", {"japanese"}),
        ("タロ", {"japanese"}),
        ("x" * 2000, {"long"}),
        ("", set(TEXTS)),
        ("  ", set(TEXTS)),
        ("_", set()),
    ],
)
def test_words_are_found_by_their_beginnings(words: str, titles: set[str]) -> None:
    assert found(words) == titles


def test_labels_are_found_whole() -> None:
    def labelled(label: str) -> set[str]:
        return names(Content.objects.labelled(label))

    assert labelled("all of them") == labelled("it's \\ a label") == set(TEXTS)
    assert labelled("german") == {"german"}
    assert labelled("all") == labelled("German") == set()


def test_a_changed_text_is_found_by_its_new_words() -> None:
    content = Content.objects.labelled("plain").get()
    content.add_version(text="Hammers.\n", data={"line": "Hammers."})
    Content.objects.labelled("german").update(labels=["new"])
    assert found("anvils") == set()
    assert found("hammer") == {"plain"}
    assert found("ärger") == {"new"}


def test_the_index_answers_the_workspace_in_scope_alone(acme: Tenant, other: Tenant) -> None:
    def ids() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM content_search('anvils', NULL)")
            return int(cursor.fetchone()[0])

    assert (ids(), found("anvils")) == (1, {"plain"})
    with tenant_scope(other):
        assert (ids(), found("anvils")) == (1, {"theirs"})
    with no_scope():
        assert ids() == 0
