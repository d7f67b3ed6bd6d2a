"""Predictions over the API: single and many, by number and as champion, metered and walled."""

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tenants.billing.models import MeterReading
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.support.api import api, client_for, reader, stranger
from training import services
from training.models import Dataset, ModelVersion
from training.serving import client
from training.serving.predictor import PART, Predictor

__all__ = ["api", "reader", "stranger"]
pytestmark = pytest.mark.django_db
GOOD, BAD = "the desk was lovely", "the coat was dull ."


def at(name: Any) -> str:
    return f"/api/v1/models/{name}/predict"


def test_a_text_is_sorted(api: APIClient, sorter: ModelVersion, predictor: Predictor) -> None:
    answer = api.post(at(sorter.pk), {"text": GOOD})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["model"], told["task"]) == (7, "classification")
    (found,) = told["predictions"]
    assert (found["label"], found["labels"], found["abstained"]) == ("good", ["good"], False)
    assert sum(found["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert found["probability"] == found["probabilities"]["good"]
    assert api.post(at(7), {"text": GOOD}).json() == told


def test_places_are_found_by_their_characters(
    api: APIClient, finder: ModelVersion, predictor: Predictor
) -> None:
    text = "the book went to oslo"
    (found,) = api.post(at(8), {"text": text}).json()["predictions"]
    (place,) = found["entities"]
    assert (place["label"], place["text"], place["start"], place["end"]) == (
        "place",
        "oslo",
        17,
        21,
    )


def test_a_thousand_texts_come_back_in_their_order(
    api: APIClient, acme: Tenant, sorter: ModelVersion, predictor: Predictor
) -> None:
    texts = [GOOD if place % 3 else BAD for place in range(1_000)]
    found = api.post(at(7), {"texts": texts, "top": 1}).json()["predictions"]
    assert [each["label"] for each in found] == ["good" if n % 3 else "bad" for n in range(1_000)]
    assert all(len(each["probabilities"]) == 1 for each in found)
    with tenant_scope(acme):
        assert MeterReading.objects.get().units == 1_000


def test_one_text_does_not_wait_for_many(sorter: ModelVersion, acme: Tenant) -> None:
    """A part of each question in turns."""
    from training.serving.protocol import QUESTIONS, Question, answer_key

    shared = {"tenant": str(acme.pk), "sha256": sorter.sha256, "task": sorter.task}
    many = Question("many", **shared, encoder="english", texts=[GOOD] * 4 * PART, until=9e9)
    one = Question("one", **shared, encoder="english", texts=[BAD], until=9e9)
    connection = client.client()
    connection.rpush(QUESTIONS, many.to_json(), one.to_json())
    running = Predictor(connection)
    running.step()
    running.step()
    assert connection.llen(answer_key("one")) == 1
    assert connection.llen(answer_key("many")) == 0
    for _ in range(3):
        running.step()
    assert connection.llen(answer_key("many")) == 1


def test_words_are_told_that_speak_for_the_label(
    api: APIClient, sorter: ModelVersion, predictor: Predictor
) -> None:
    told = api.post(at(7), {"text": GOOD, "explain": True}).json()["predictions"][0]["explanation"]
    strongest = max(told["words"], key=lambda word: word["weight"])
    assert (told["label"], strongest["text"]) == ("good", "lovely")
    assert GOOD[strongest["start"] : strongest["end"]] == "lovely"
    assert told["faithfulness"] > 0


def test_the_champion_of_a_dataset_goes_by_its_name(
    api: APIClient, acme: Tenant, sorter: ModelVersion, predictor: Predictor
) -> None:
    with tenant_scope(acme):
        sorter.dataset = Dataset.objects.create(name="Reviews", task="classification")
        sorter.save()
    assert api.post(at("Reviews@champion"), {"text": GOOD}).status_code == 404
    with tenant_scope(acme):
        services.version_promote(version=sorter)
    assert api.post(at("Reviews@champion"), {"text": GOOD}).json()["model"] == 7
    assert api.post(at(f"{sorter.dataset_id}@champion"), {"text": GOOD}).status_code == 200
    assert api.post(at("Letters@champion"), {"text": GOOD}).status_code == 404


def test_others_find_nothing(
    stranger: APIClient, sorter: ModelVersion, predictor: Predictor
) -> None:
    for name in (sorter.pk, 7, "Reviews@champion"):
        assert stranger.post(at(name), {"text": GOOD}).status_code == 404


def test_keys_that_read_may_ask_and_others_not(
    acme: Tenant, reader: APIClient, sorter: ModelVersion, predictor: Predictor
) -> None:
    assert reader.post(at(7), {"text": GOOD}).status_code == 200
    refused = client_for(acme, ["write"]).post(at(7), {"text": GOOD})
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")


LONG = "a" * 50_001


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({}, 422, "validation_failed", "/text"),
        ({"text": GOOD, "texts": [GOOD]}, 422, "validation_failed", "/text"),
        ({"text": ""}, 422, "validation_failed", "/text"),
        ({"text": 7}, 422, "validation_failed", "/text"),
        ({"text": None}, 422, "validation_failed", "/text"),
        ({"texts": []}, 422, "validation_failed", "/texts"),
        ({"texts": [GOOD, ""]}, 422, "validation_failed", "/texts/1"),
        ({"texts": [GOOD] * 1_001}, 413, "batch_too_large", ""),
        ({"text": LONG}, 422, "text_too_long", ""),
        ({"text": GOOD, "top": 0}, 422, "validation_failed", "/top"),
        ({"text": GOOD, "top": "5"}, 422, "validation_failed", "/top"),
        ({"texts": [GOOD] * 11, "explain": True}, 422, "validation_failed", "/explain"),
        ({"text": GOOD, "temperature": 1}, 422, "validation_failed", "/temperature"),
    ],
)
def test_bad_inputs_are_told(
    api: APIClient, sorter: ModelVersion, body: Any, status: int, code: str, pointer: str
) -> None:
    answer = api.post(at(7), body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    if pointer:
        assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    "text", ["😀😀", "\u202eabc", "你好，世界", "a\u0301" * 50, "  x  ", "<b>"]
)
def test_any_text_is_answered(
    api: APIClient, sorter: ModelVersion, predictor: Predictor, text: str
) -> None:
    """Promise 98."""
    answer = api.post(at(7), {"text": text})
    assert answer.status_code == 200
    assert 0 <= answer.json()["predictions"][0]["probability"] <= 1


def test_a_model_that_writes_sorts_nothing(api: APIClient, acme: Tenant) -> None:
    with tenant_scope(acme):
        ModelVersion.objects.create(name="Voice", number=1, sha256="1", base_sha256="2", size=1)
    answer = api.post(at(1), {"text": GOOD})
    assert (answer.status_code, answer.json()["code"]) == (409, "model_writes")


def test_a_model_on_hold_rests(api: APIClient, acme: Tenant, sorter: ModelVersion) -> None:
    with tenant_scope(acme):
        services.version_quarantine(version=sorter)
    answer = api.post(at(7), {"text": GOOD})
    assert (answer.status_code, answer.json()["code"]) == (409, "adapter_not_available")


def test_a_head_whose_files_are_gone_says_so(
    api: APIClient, acme: Tenant, sorter: ModelVersion, predictor: Predictor
) -> None:
    with tenant_scope(acme):
        ModelVersion.objects.update(sha256="f" * 64)
    answer = api.post(at(7), {"text": GOOD})
    assert (answer.status_code, answer.json()["code"]) == (409, "head_unusable")


def test_another_encoder_is_never_used_in_silence(
    api: APIClient, sorter: ModelVersion, predictor: Predictor
) -> None:
    """Promise 88."""
    predictor.heads.encoder("english").sha256 = "f" * 64
    answer = api.post(at(7), {"text": GOOD})
    assert (answer.status_code, answer.json()["code"]) == (409, "adapter_base_mismatch")


def test_without_a_predictor_it_is_unavailable(
    api: APIClient, acme: Tenant, sorter: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "WAIT_S", 0.2)
    answer = api.post(at(7), {"text": GOOD})
    assert answer.status_code == 503
    with tenant_scope(acme):
        assert not MeterReading.objects.exists()


def test_a_text_is_tried_in_the_portal_for_nothing(
    acme: Tenant, victor: User, sorter: ModelVersion, predictor: Predictor
) -> None:
    browser = Client()
    browser.force_login(victor)
    page = browser.get(f"/w/acme/teach/models/{sorter.pk}/").content.decode()
    assert "Try it" in page
    shown = browser.post(f"/w/acme/teach/models/{sorter.pk}/try/", {"text": GOOD}).content.decode()
    assert "<strong>good</strong>" in shown
    assert '<mark class="for">lovely</mark>' in shown
    with tenant_scope(acme):
        assert not MeterReading.objects.exists()
