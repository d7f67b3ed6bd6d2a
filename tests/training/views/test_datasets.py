"""Teach, the datasets: from a file on somebody's desk to rows, and what is said on the way."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tenants.jobs.worker import run
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.generation.views.conftest import Url, owner, url
from training.models import Dataset, DatasetRow
from training.services.datasets import dataset_create

__all__ = ["owner", "url"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _files(tmp_path: Any, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def made(tenant: Tenant, task: str) -> Dataset:
    with tenant_scope(tenant):
        return dataset_create(name="Posts", task=task)


def looked_at(client: Client, path: str, name: str, data: str) -> tuple[str, dict[str, Any]]:
    """The page that asks which column is what, and what its form sends as it stands."""
    page = client.post(path, {"file": SimpleUploadedFile(name, data.encode())}).content.decode()
    sent: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        if 'type="hidden"' in tag and (key := re.search(r'name="(\w+)"', tag)):
            value = re.search(r'value="([^"]*)"', tag)
            sent.setdefault(key[1], []).append(value[1] if value else "")
    for key, options in re.findall(r'<select name="(\w+)"(.*?)</select>', page, re.S):
        chosen = re.search(r'value="(\w*)" selected', options)
        sent[key] = chosen[1] if chosen else ""
    return page, sent


def texts(tenant: Tenant) -> list[str]:
    run("default", "test")
    with tenant_scope(tenant):
        return [row.content["text"] for row in DatasetRow.objects.order_by("created_at")]


def test_copy_may_come_as_plain_text(owner: Client, url: Url, acme: Tenant) -> None:
    path = url("dataset-import", made(acme, "copy").pk)
    page, sent = looked_at(owner, path, "posts.txt", "A pot of clay.\n\nA pot of tin.\n")
    assert "A pot of clay." in page
    assert owner.post(path, sent).status_code == 302
    assert sorted(texts(acme)) == ["A pot of clay.", "A pot of tin."]


def test_columns_that_nobody_said_are_asked_for(owner: Client, url: Url, acme: Tenant) -> None:
    path = url("dataset-import", made(acme, "chat").pk)
    page, sent = looked_at(owner, path, "posts.csv", "Ask,Reply\nHow large?,Two litres\n")
    assert "Choose the rest" in page
    again = owner.post(path, sent)
    assert again.status_code == 422
    assert "Say which column is: Question, Answer." in again.content.decode()
    assert "Two litres" in again.content.decode()
    half = owner.post(path, sent | {"column_0": "prompt"})
    assert "Say which column is: Answer." in half.content.decode()
    assert owner.post(path, sent | {"column_0": "prompt", "column_1": "answer"}).status_code == 302
    run("default", "test")
    with tenant_scope(acme):
        row = DatasetRow.objects.get()
    assert [each["content"] for each in row.content["messages"]] == ["How large?", "Two litres"]


@pytest.mark.parametrize("change", [{"kind": "exe"}, {"file_id": "none"}, {"file_id": uuid4()}])
def test_a_form_that_names_no_file_leads_back(
    owner: Client, url: Url, acme: Tenant, change: dict[str, Any]
) -> None:
    path = url("dataset-import", made(acme, "chat").pk)
    _, sent = looked_at(owner, path, "posts.csv", "Ask,Reply\nHow large?,Two litres\n")
    answer = owner.post(path, sent | change)
    assert (answer.status_code, answer["Location"]) == (302, path)
