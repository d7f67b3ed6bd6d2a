"""The library over the API: versions, review, preconditions, export."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from generation.models import Brief
from tenants.models import Tenant
from tests.generation.conftest import run_jobs

pytestmark = pytest.mark.django_db(transaction=True)

CONTENTS = "/api/v1/contents/"


@pytest.fixture
def where(api: APIClient, brief: Brief, acme: Tenant) -> str:
    """The address of a content that was picked."""
    run_jobs()
    variant = api.get("/api/v1/variants/", {"brief": str(brief.pk)}).json()["data"][0]["id"]
    return f"{CONTENTS}{api.post(f'/api/v1/variants/{variant}/pick/').json()['id']}/"


def edit(api: APIClient, where: str, text: str, tag: str | None = None) -> Any:
    tag = tag or api.get(where)["ETag"]
    return api.patch(where, {"text": text}, HTTP_IF_MATCH=tag)


def test_an_edit_makes_a_version(api: APIClient, where: str) -> None:
    changed = edit(api, where, "Heavier anvils")
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    versions = api.get(f"{where}versions/", {"order": "number"}).json()["data"]
    assert [version["number"] for version in versions] == [1, 2]


def test_an_edit_of_an_older_text_is_refused(api: APIClient, where: str) -> None:
    tag = api.get(where)["ETag"]
    edit(api, where, "Heavier anvils")
    refused = edit(api, where, "Lighter anvils", tag)
    assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")


def test_an_edit_says_what_it_edits(api: APIClient, where: str) -> None:
    refused = api.patch(where, {"text": "Heavier anvils"})
    assert (refused.status_code, refused.json()["code"]) == (428, "precondition_required")


def test_labels_change_without_a_new_version(api: APIClient, where: str) -> None:
    tag = api.get(where)["ETag"]
    changed = api.patch(where, {"labels": ["spring"]}, HTTP_IF_MATCH=tag).json()
    assert (changed["labels"], changed["version"]) == (["spring"], 1)
    assert len(api.get(CONTENTS, {"label": "spring"}).json()["data"]) == 1


def test_only_an_approved_text_is_published(api: APIClient, where: str) -> None:
    assert api.post(f"{where}publish/").json()["code"] == "wrong_status"
    assert api.post(f"{where}submit/", {"comment": "Please"}).json()["status"] == "in_review"
    seen = api.get(where).json()["sha256"]
    assert api.post(f"{where}approve/", {"sha256": "0" * 64}).status_code == 412
    assert api.post(f"{where}approve/", {"sha256": seen}).json()["status"] == "approved"
    assert edit(api, where, "Other anvils").json()["status"] == "draft"
    assert api.post(f"{where}publish/").status_code == 409
    seen = api.get(where).json()["sha256"]
    api.post(f"{where}approve/", {"sha256": seen})
    assert api.post(f"{where}publish/").json()["status"] == "published"


def test_a_text_is_sent_back(api: APIClient, where: str) -> None:
    api.post(f"{where}submit/")
    assert api.post(f"{where}return/", {"comment": "Shorter"}).json()["status"] == "draft"


def test_an_earlier_version_comes_back(api: APIClient, where: str) -> None:
    first = api.get(where).json()["text"]
    edit(api, where, "Heavier anvils")
    restored = api.post(f"{where}restore/", {"version": 1}).json()
    assert (restored["version"], restored["text"]) == (3, first)
    refused = api.post(f"{where}restore/", {"version": 9})
    assert refused.json()["errors"][0]["code"] == "does_not_exist"


def test_the_archive_is_out_of_sight(api: APIClient, where: str) -> None:
    api.post(f"{where}archive/")
    for query in ({}, {"archived": "false"}):
        assert api.get(CONTENTS, query).json()["data"] == []
    assert len(api.get(CONTENTS, {"archived": "true"}).json()["data"]) == 1
    assert api.post(f"{where}unarchive/").json()["archived_at"] is None


def test_search_takes_wildcards_literally(api: APIClient, where: str) -> None:
    edit(api, where, "Save 100% on anvils_now")
    for words, count in (("100%", 1), ("anvils_now", 1), ("%%%", 0), ("a%s", 0), ("_", 1)):
        assert len(api.get(CONTENTS, {"q": words}).json()["data"]) == count


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("markdown", "text/markdown"),
        ("html", "text/html"),
        ("csv", "text/csv"),
        ("json", "application/json"),
    ],
)
def test_it_is_exported(api: APIClient, where: str, name: str, media_type: str) -> None:
    file = api.get(f"{where}export/", {"as": name})
    assert file.status_code == 200
    assert file["Content-Type"].startswith(media_type)
    assert file["Content-Disposition"].startswith("attachment")
    assert b"Anvils" in file.content


def test_an_unknown_format_is_refused(api: APIClient, where: str) -> None:
    refused = api.get(f"{where}export/", {"as": "pdf"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_parameter")


def test_a_tag_that_a_proxy_has_weakened_still_names_the_text(api: APIClient, where: str) -> None:
    tag = api.get(where)["ETag"]
    assert edit(api, where, "Heavier anvils", f"W/{tag}").status_code == 200
    assert edit(api, where, "Lighter anvils", f"W/{tag}").status_code == 412


def test_a_text_of_ones_own_goes_through_the_same_review(api: APIClient) -> None:
    own = {"kind": "social_post", "text": "Our own anvils", "labels": ["spring"]}
    made = api.post(CONTENTS, own)
    found = made.json()
    assert (made.status_code, found["status"], found["version"]) == (201, "draft", 1)
    assert (found["labels"], found["variant"]) == (["spring"], None)
    where = made["Location"]
    assert api.get(where)["ETag"] == made["ETag"]
    assert api.post(f"{where}approve/", {"sha256": found["sha256"]}).status_code == 200
    assert api.post(f"{where}publish/").json()["status"] == "published"


def test_a_text_without_words_is_none(api: APIClient) -> None:
    refused = api.post(CONTENTS, {"kind": "social_post", "text": " "})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/text")


def test_a_draft_is_deleted_and_what_is_published_only_from_the_archive(
    api: APIClient, where: str
) -> None:
    seen = api.get(where).json()["sha256"]
    api.post(f"{where}approve/", {"sha256": seen})
    api.post(f"{where}publish/")
    refused = api.delete(where)
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_status")
    api.post(f"{where}archive/")
    assert api.delete(where).status_code == 204
    assert api.get(where).status_code == 404


def test_contents_are_found_by_id_time_and_brand(api: APIClient, where: str, brief: Brief) -> None:
    found = api.get(where).json()
    api.post(CONTENTS, {"kind": "social_post", "text": "Another"})
    since = found["created_at"]
    for query, count in (
        ({"ids": found["id"]}, 1),
        ({"ids": f"{found['id']},{brief.pk}"}, 1),
        ({"created_after": since}, 2),
        ({"created_before": since}, 0),
        ({"updated_after": "2999-01-01T00:00:00Z"}, 0),
        ({"brand": str(brief.brand_id)}, 1),
    ):
        assert len(api.get(CONTENTS, query).json()["data"]) == count, query
    for query in ({"ids": "1"}, {"created_after": "yesterday"}):
        assert api.get(CONTENTS, query).json()["code"] == "invalid_parameter"
