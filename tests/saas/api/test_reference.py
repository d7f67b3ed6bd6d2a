"""The page on which developers read the API: complete, copyable, and true to the schema."""

import json
import shlex

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from saas.api.reference import Operation, groups, inline
from saas.api.sections import Section, add_section
from saas.api.views import described

SERVER = "https://kindling.example/"


@pytest.fixture(scope="module")
def operations() -> dict[str, Operation]:
    found = groups(described("en"), SERVER)
    return {each.id: each for group in found for each in group.operations}


def test_every_operation_of_the_schema_is_there(operations: dict[str, Operation]) -> None:
    wanted = {
        raw["operationId"]
        for methods in described("en")["paths"].values()
        for raw in methods.values()
    }
    assert operations.keys() == wanted


def test_every_body_in_a_call_is_json(operations: dict[str, Operation]) -> None:
    calls = [shlex.split(each.command) for each in operations.values() if each.body]
    assert calls
    for words in calls:
        assert isinstance(json.loads(words[words.index("-d") + 1]), dict)


def test_a_call_names_what_it_must_bring(operations: dict[str, Operation]) -> None:
    order = operations["briefs_create"].command
    assert order.startswith(f"curl {SERVER}api/v1/briefs/ ")
    assert "Idempotency-Key" in order
    assert "-X PATCH" in operations["contents_partial_update"].command
    assert "If-Match" in operations["contents_partial_update"].command


def test_a_change_shows_one_property_and_an_answer_all_of_them(
    operations: dict[str, Operation],
) -> None:
    change = operations["brands_partial_update"]
    words = shlex.split(change.command)
    assert list(json.loads(words[words.index("-d") + 1])) == ["name"]
    assert {"id", "name", "tone", "banned"} <= json.loads(change.sample).keys()


def test_fields_have_their_types_and_limits(operations: dict[str, Operation]) -> None:
    body = {each.name: each for each in operations["briefs_create"].body}
    assert body["kind"].required
    assert "search_ad" in body["kind"].type
    assert body["variants"].limits == "at least 1, at most 8, default 3"
    chat = {each.name for each in operations["openai_chat_completions"].body}
    assert {"messages[].role", "messages[].content"} <= chat


def test_text_of_the_schema_cannot_bring_tags() -> None:
    assert inline("a `<b>` **c**\n\nd") == (
        "<p>a <code>&lt;b&gt;</code> <strong>c</strong></p><p>d</p>"
    )


@pytest.mark.django_db
def test_the_page_has_them_all(client: Client, operations: dict[str, Operation]) -> None:
    page = client.get("/api/docs/").content.decode()
    missing = [each.id for each in operations.values() if f'id="{each.id}"' not in page]
    assert missing == []
    assert "http://testserver/v1" in page


def test_sections_stand_in_the_order_that_apps_gave_them() -> None:
    schema = described("en")
    found = groups(schema, SERVER)
    assert found[-1].name == "openai"
    by_tag = {group.name: group.title for group in found}
    assert (by_tag["openai"], by_tag["briefs"]) == ("OpenAI", "Briefs")
    assert "base URL `/v1`" in schema["info"]["description"]


def test_a_section_is_declared_once() -> None:
    with pytest.raises(ImproperlyConfigured):
        add_section(Section("openai", "Again"))
