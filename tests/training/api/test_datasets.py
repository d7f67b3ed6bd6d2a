"""Datasets over the API, and the runs that learn from them."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from tenants.jobs.worker import run
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.support.api import api, stranger
from training.models import Dataset, DatasetRow

__all__ = ["api", "stranger"]
pytestmark = pytest.mark.django_db
ROWS = [{"text": f"I have lost my card number {n}", "label": "lost"} for n in range(6)] + [
    {"text": f"How long does transfer {n} take to arrive", "label": "transfer"} for n in range(6)
]


def make(api: APIClient, **values: Any) -> str:
    given = {"name": "Questions", "task": "classification", **values}
    answer = api.post("/api/v1/datasets/", given)
    assert answer.status_code == 201, answer.json()
    return f"/api/v1/datasets/{answer.json()['id']}/"


def add(api: APIClient, where: str, rows: list[Any], **more: Any) -> Any:
    return api.post(f"{where}rows/", {"rows": rows, **more}).json()


def test_rows_are_taken_once(api: APIClient) -> None:
    where = make(api)
    assert add(api, where, ROWS)["accepted"] == 12
    assert add(api, where, ROWS)["duplicates"] == 12
    assert api.get(where).json()["row_count"] == 12


def test_a_dry_run_writes_nothing(api: APIClient) -> None:
    where = make(api)
    assert add(api, where, ROWS, dry_run=True)["accepted"] == 12
    assert api.get(where).json()["row_count"] == 0


def test_bad_rows_are_named_and_good_ones_kept(api: APIClient) -> None:
    where = make(api)
    report = add(
        api, where, [ROWS[0], {"text": "", "label": "a"}, {"text": "x" * 60_000, "label": "b"}]
    )
    assert (report["accepted"], report["rejected"]) == (1, 2)
    found = [(each["line"], each["field"], each["code"]) for each in report["problems"]]
    assert found == [(2, "text", "field_empty"), (3, "text", "field_too_long")]


def test_upsert_changes_by_row_id_and_append_refuses(api: APIClient) -> None:
    where = make(api)
    first, second = ({"row_id": "r1", **ROWS[0]}, {"row_id": "r1", **ROWS[7]})
    add(api, where, [first])
    assert add(api, where, [second], mode="append")["problems"][0]["code"] == "row_id_taken"
    assert add(api, where, [second])["updated"] == 1
    assert api.get(f"{where}rows/").json()["data"][0]["content"]["labels"] == ["transfer"]


@pytest.mark.parametrize(
    ("privacy", "accepted", "text"),
    [("mask", 1, "Mail [email] now"), ("refuse", 0, ""), ("keep", 1, "Mail ann@b.example now")],
)
def test_personal_data_is_handled_as_the_dataset_says(
    api: APIClient, privacy: str, accepted: int, text: str
) -> None:
    where = make(api, privacy=privacy)
    report = add(api, where, [{"text": "Mail ann@b.example now", "label": "a"}])
    assert (report["accepted"], report["private"]) == (accepted, 1)
    kept = [row["content"]["text"] for row in api.get(f"{where}rows/").json()["data"]]
    assert kept == ([text] if text else [])


def test_versions_are_the_same_for_the_same_rows(api: APIClient) -> None:
    where = make(api)
    add(api, where, ROWS)
    first = api.post(f"{where}versions/").json()
    assert api.post(f"{where}versions/").json()["id"] == first["id"]
    add(api, where, [{"text": "Something about exchange rates today", "label": "rates"}])
    second = api.post(f"{where}versions/").json()
    assert (second["number"], second["sha256"] != first["sha256"]) == (2, True)


def test_the_test_rows_stay_for_the_datasets_life(api: APIClient, acme: Tenant) -> None:
    where = make(api)
    many = [{"text": f"Question {n} about topic {n * 7}", "label": str(n % 3)} for n in range(120)]
    add(api, where, many)
    api.post(f"{where}versions/")
    with tenant_scope(acme):
        before = dict(DatasetRow.objects.values_list("row_id", "split"))
    assert set(before.values()) == {"train", "validation", "test"}
    more = [{"text": f"Another matter {n} of kind {n * 3}", "label": "x"} for n in range(60)]
    add(api, where, more)
    api.post(f"{where}versions/")
    with tenant_scope(acme):
        after = dict(DatasetRow.objects.values_list("row_id", "split"))
    assert {row: after[row] for row in before} == before


def test_too_few_rows_make_no_version(api: APIClient) -> None:
    where = make(api)
    add(api, where, ROWS[:3])
    answer = api.post(f"{where}versions/")
    assert (answer.status_code, answer.json()["code"]) == (422, "dataset_too_small")


def send(api: APIClient, where: str, name: str, data: bytes, **more: str) -> Any:
    file = SimpleUploadedFile(name, data)
    return api.post(f"{where}imports/", {"file": file, **more}, format="multipart")


@pytest.mark.django_db(transaction=True)
def test_a_file_is_read_in_the_background(api: APIClient, acme: Tenant) -> None:
    where = make(api)
    table = "Category;Text\n" + "".join(f"{row['label']};{row['text']}\n" for row in ROWS)
    job = send(api, where, "rows.csv", table.encode("utf-8-sig"))
    assert job.status_code == 202
    run("default", "test")
    done = api.get(f"/api/v1/jobs/{job.json()['id']}/").json()
    assert (done["state"], done["result"]["accepted"]) == ("succeeded", 12)


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.csv", b"", "file_empty"),
        ("a.exe", b"MZ", "unsupported_media_type"),
        ("a.csv", b"\x89PNG\r\n", "unsupported_media_type"),
        ("a.csv", b"text,text\na,b\n", "csv_malformed"),
        ("a.jsonl", b'{"text": NaN}\n', "jsonl_malformed"),
        ("a.csv", b"color,size\nred,1\n", "mapping_incomplete"),
    ],
)
def test_files_that_cannot_be_read_say_why(
    api: APIClient, name: str, data: bytes, reason: str
) -> None:
    answer = send(api, make(api), name, data)
    assert (answer.status_code, answer.json()["reason"]) == (422, reason)


def test_a_mapping_may_be_sent(api: APIClient) -> None:
    where = make(api)
    mapping = json.dumps({"frage": "text", "art": "label"})
    answer = send(api, where, "a.csv", b"frage,art\nWo ist meine Karte,karte\n", mapping=mapping)
    assert answer.status_code == 202
    assert send(api, where, "a.csv", b"a,b\n1,2\n", mapping="[]").status_code == 422


def test_nobody_else_sees_a_dataset(api: APIClient, stranger: APIClient) -> None:
    where = make(api)
    assert stranger.get(where).status_code == 404
    assert stranger.post(f"{where}rows/", {"rows": ROWS}).status_code == 404


def test_two_datasets_of_one_name(api: APIClient) -> None:
    make(api)
    again = api.post("/api/v1/datasets/", {"name": "Questions", "task": "chat"})
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("recipe", "field"),
    [
        ({"learning_rate": 1e9}, "learning_rate"),
        ({"lora_r": 10**6}, "lora_r"),
        ({"num_train_epochs": 10**6}, "num_train_epochs"),
        ({"target_modules": [".*"]}, "target_modules"),
        ({"speed": 1}, "speed"),
    ],
)
def test_settings_out_of_range_are_named(
    api: APIClient, acme: Tenant, recipe: dict[str, Any], field: str
) -> None:
    where = make(api, task="chat")
    dataset = where.split("/")[-2]
    answer = api.post("/api/v1/training-runs/estimate/", {"dataset": dataset, "recipe": recipe})
    assert (answer.status_code, answer.json()["code"]) == (422, "recipe_invalid")
    assert answer.json()["errors"][0]["pointer"] == f"/recipe/{field}"


def test_an_estimate_tells_seconds_and_credits(api: APIClient, acme: Tenant) -> None:
    where = make(api, task="chat")
    add(api, where, [{"prompt": f"Question {n}", "answer": f"Answer {n} " * 30} for n in range(20)])
    with tenant_scope(acme):
        dataset = Dataset.objects.get()
    found = api.post("/api/v1/training-runs/estimate/", {"dataset": str(dataset.pk)}).json()
    assert found["rows"] == 20
    assert found["most"] > found["cost"] > 0
