"""Runs that teach heads, over the API: what is refused before anything is started."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.support.api import api

__all__ = ["api"]
pytestmark = pytest.mark.django_db
RUNS = "/api/v1/training-runs/"


def dataset(api: APIClient, rows: list[dict[str, Any]], task: str = "classification") -> str:
    made = api.post("/api/v1/datasets/", {"name": "Support", "task": task, "consent": True})
    at = f"/api/v1/datasets/{made.json()['id']}/rows/"
    assert api.post(at, {"rows": rows}).status_code == 200
    return str(made.json()["id"])


def texts(count: int, labels: str = "ab") -> list[dict[str, Any]]:
    return [
        {"text": f"Text {n} of {n * n}", "label": labels[n % len(labels)]} for n in range(count)
    ]


def refused(answer: Any, code: str, pointer: str = "") -> None:
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    if pointer:
        assert answer.json()["errors"][0]["pointer"] == pointer


def test_too_few_rows_and_copies_of_one_are_refused(api: APIClient) -> None:
    """Promise 76: copies of a row are one row."""
    copies = [{"text": "The same text", "label": "a"}] * 20
    refused(api.post(RUNS, {"dataset": dataset(api, copies)}), "dataset_too_small")


def test_one_class_is_refused(api: APIClient) -> None:
    """Promise 76."""
    refused(api.post(RUNS, {"dataset": dataset(api, texts(20, "a"))}), "dataset_degenerate")


@pytest.mark.parametrize(
    ("name", "value"),
    [("learning_rate", 1e9), ("lora_r", 10**6), ("num_train_epochs", 10**6), ("method", ".*")],
)
def test_settings_out_of_range_are_refused(api: APIClient, name: str, value: Any) -> None:
    """Promise 80."""
    body = {"dataset": dataset(api, texts(20)), "recipe": {name: value}}
    refused(api.post(RUNS, body), "recipe_invalid", f"/recipe/{name}")
    refused(api.post(f"{RUNS}estimate/", body), "recipe_invalid", f"/recipe/{name}")


def test_one_run_of_a_dataset_at_a_time(api: APIClient) -> None:
    """Promise 81."""
    body = {"dataset": dataset(api, texts(20)), "effort": "quick"}
    run = api.post(RUNS, body)
    assert (run.status_code, run.json()["recipe"]["method"]) == (202, "linear")
    again = api.post(RUNS, body)
    assert (again.status_code, again.json()["code"]) == (409, "training_in_progress")
    gone = api.delete(f"/api/v1/datasets/{body['dataset']}/")
    assert (gone.status_code, gone.json()["code"]) == (409, "dataset_in_use")


def test_chinese_rows_get_the_multilingual_encoder(api: APIClient) -> None:
    rows = [
        {"text": f"这家餐厅的服务很好，我们第{n}次来了，味道还是不错", "label": "ab"[n % 2]}
        for n in range(40)
    ]
    run = api.post(RUNS, {"dataset": dataset(api, rows), "effort": "quick"})
    assert run.json()["recipe"]["encoder"] == "multilingual"
    refused_name = {"encoder": "../../etc"}
    other = api.post(f"{RUNS}estimate/", {"dataset": run.json()["dataset"], "recipe": refused_name})
    refused(other, "recipe_invalid", "/recipe/encoder")
