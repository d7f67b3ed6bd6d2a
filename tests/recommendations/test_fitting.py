"""A model is fitted by a job, serves, and is replaced whole or not at all."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from recommendations.demo import TASTES, demo_items, demo_shop, demo_visitors
from recommendations.fitting import fit as fitting
from recommendations.fitting import sequence
from recommendations.models import Interaction, Item, Person, RankingModel
from recommendations.services.answers import Ask, recommend
from recommendations.services.fitting import (
    KIND,
    AlreadyFitting,
    fitting_request,
    fitting_request_due,
)
from recommendations.serving.searches import mapped
from recommendations.serving.trained import VECTORS, folder_of
from tenants.billing.models import MeterReading
from tenants.jobs.models import Job
from tenants.jobs.sweeper import sweep
from tenants.jobs.worker import run
from tenants.models import Tenant
from tenants.scope import tenant_scope
from training.heads.encoder import Encoder

pytestmark = pytest.mark.django_db(transaction=True)


class BagOfWords:
    """A tiny encoder: a fixed random direction for each word."""

    def embeddings(self, texts: list[str]) -> np.ndarray:
        found = np.zeros((len(texts), 384), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                found[row] += np.random.default_rng(abs(hash_of(word))).normal(size=384)
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)


def hash_of(word: str) -> int:
    return int.from_bytes(word.encode()[:8], "little")


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(fitting, "load_encoder", BagOfWords)
    monkeypatch.setattr(sequence, "EPOCHS", 2)


@pytest.fixture
def shop(acme: Tenant) -> Iterator[Tenant]:
    with tenant_scope(acme):
        demo_shop()
        yield acme


def fit_now(tenant: Tenant) -> Job:
    with tenant_scope(tenant):
        job = fitting_request()
    run("score", "test")
    with tenant_scope(tenant):
        return Job.objects.get(pk=job.pk)


def test_the_demo_shop_is_learnt(shop: Tenant) -> None:
    job = fit_now(shop)
    assert (job.state, job.error_detail) == ("succeeded", "")
    model = RankingModel.objects.get()
    assert model.state == "champion"
    measured = model.metrics["sources"]
    assert measured["blend"]["hit_rate"] >= measured["popular"]["hit_rate"]
    folder = folder_of(shop.pk, model.pk)
    assert {path.name for path in folder.iterdir()} >= {"manifest.json", "vectors.npy"}
    assert not list(folder.parent.glob("*.part"))


def test_the_packaged_encoder_reads_the_catalogue(
    shop: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "load_encoder", Encoder.load)
    assert (fit_now(shop).state, RankingModel.objects.count()) == ("succeeded", 1)
    vectors = mapped(folder_of(shop.pk, RankingModel.objects.get().pk) / VECTORS)
    assert vectors is not None
    numbers = dict(Item.objects.values_list("key", "number"))
    fern, other, pole = (
        vectors[numbers[key]].astype(np.float32)
        for key in ("bathroom-fern", "boston-fern", "moss-pole-60")
    )
    assert fern @ fern == pytest.approx(1, abs=1e-2)
    assert fern @ other > fern @ pole


def test_visitors_get_what_they_like(shop: Tenant) -> None:
    fit_now(shop)
    tags = {row["id"]: row["tags"] for row in demo_items()}
    fitting_items = {taste: sum(taste in each for each in tags.values()) for taste in TASTES}
    hits, chance = [], []
    for visitor in demo_visitors()[:40]:
        person = Person.objects.filter(key=visitor.key).first()
        if person is None or len(person.recent_items) < 4:
            continue
        shown = recommend(ask=Ask(count=10, person=person)).shown
        hits += [visitor.fits(tags[each.item.key]) for each in shown]
        chance += [sum(fitting_items[taste] for taste in visitor.likes) / len(tags)]
    assert np.mean(hits) > 1.5 * np.mean(chance)


def test_one_fitting_at_a_time(shop: Tenant) -> None:
    fitting_request()
    with pytest.raises(AlreadyFitting):
        fitting_request()


def used_an_hour_ago() -> None:
    recorded_at = timezone.now() - timedelta(hours=1)
    MeterReading.objects.create(meter="events", units=1, recorded_at=recorded_at)


def fittings() -> int:
    return int(Job.objects.filter(kind=KIND).count())


def test_it_learns_by_itself_when_enough_has_happened(shop: Tenant) -> None:
    used_an_hour_ago()
    sweep()
    assert fittings() == 1
    run("score", "test")
    used_an_hour_ago()
    sweep()
    assert fittings() == 1, "the model is of today"
    RankingModel.objects.update(created_at=timezone.now() - timedelta(days=2))
    Interaction.objects.update(created_at=timezone.now())
    fitting_request_due()
    fitting_request_due()
    assert fittings() == 2, "one at a time"


def test_it_waits_for_news(shop: Tenant) -> None:
    fit_now(shop)
    past = timezone.now() - timedelta(days=3)
    Interaction.objects.update(created_at=past)
    RankingModel.objects.update(created_at=past + timedelta(days=1))
    fitting_request_due()
    assert fittings() == 1


def test_an_empty_catalogue_is_not_learnt(acme: Tenant) -> None:
    with tenant_scope(acme):
        fitting_request_due()
        assert fittings() == 0


def test_the_second_model_takes_the_place_of_the_first(shop: Tenant) -> None:
    fit_now(shop)
    fit_now(shop)
    states = RankingModel.objects.newest_first().values_list("number", "state")
    assert list(states) == [(2, "champion"), (1, "retired")]


def test_unchanged_texts_are_not_read_again(shop: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    fit_now(shop)
    read: list[str] = []

    class Counting(BagOfWords):
        def embeddings(self, texts: list[str]) -> np.ndarray:
            read.extend(texts)
            return super().embeddings(texts)

    monkeypatch.setattr(fitting, "load_encoder", Counting)
    fern = Item.objects.get(key="bathroom-fern")
    fern.title = "Another fern"
    fern.save()
    fit_now(shop)
    assert len(read) == 1


def test_a_broken_fit_leaves_the_last_model(shop: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    fit_now(shop)

    def broken(*args: Any) -> None:
        raise RuntimeError("no disk")

    monkeypatch.setattr(fitting, "measure", broken)
    job = fit_now(shop)
    assert job.state != "succeeded"
    assert RankingModel.objects.get().state == "champion"
    model = RankingModel.objects.get()
    assert [path.name for path in folder_of(shop.pk, model.pk).parent.iterdir()] == [str(model.pk)]
