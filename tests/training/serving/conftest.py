"""A head that sorts and one that finds, and a predictor that runs beside the test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings

from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.training.heads.conftest import journeys, reviews, write_encoder
from training import head_files
from training.encoders import ENGLISH
from training.heads.classifier import ClassificationData, fit
from training.heads.recipe import HeadRecipe
from training.heads.tagger import TaggingData, fit_tagger
from training.models import ModelVersion
from training.serving import client
from training.serving.predictor import Predictor

Heads = Callable[[str], ModelVersion]


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    write_encoder(folder)
    return folder


@pytest.fixture(autouse=True)
def toy_encoder(
    toy: Path, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    settings.MEDIA_ROOT, settings.HEAD_CACHE = tmp_path / "media", tmp_path / "cache"
    monkeypatch.setattr("training.heads.encoder.packaged_encoder", lambda: toy)
    client.client.cache_clear()
    yield
    client.client.cache_clear()


@pytest.fixture(scope="session")
def sorter_folder(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.heads.encoder.packaged_encoder", lambda: toy)
        data = ClassificationData(*reviews())
        return fit(data, HeadRecipe(), tmp_path_factory.mktemp("sorter")).folder


@pytest.fixture(scope="session")
def finder_folder(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = HeadRecipe(num_train_epochs=30, head_learning_rate=0.05)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.heads.encoder.packaged_encoder", lambda: toy)
        data = TaggingData(*journeys())
        return fit_tagger(data, recipe, tmp_path_factory.mktemp("finder")).folder


def kept(tenant: Tenant, folder: Path, **values: Any) -> ModelVersion:
    """A version with these files, as a run leaves it."""
    with tenant_scope(tenant):
        made: ModelVersion = ModelVersion.objects.create(
            sha256=head_files.store(tenant.pk, folder),
            base_sha256="0" * 64,
            method="linear",
            size=1,
            card={"recipe": {"encoder": "english"}},
            **values,
        )
        return made


@pytest.fixture
def sorter(acme: Tenant, sorter_folder: Path) -> ModelVersion:
    return kept(acme, sorter_folder, name="Sorter", number=7, task="classification")


@pytest.fixture
def finder(acme: Tenant, finder_folder: Path) -> ModelVersion:
    return kept(acme, finder_folder, name="Finder", number=8, task="extraction")


@pytest.fixture
def predictor() -> Iterator[Predictor]:
    """It runs in a thread of its own until the test is over."""
    stop = Event()
    with redis.Redis.from_url(django_settings.REDIS_URL) as connection:
        running = Predictor(connection)
        # Both threads would load one of their own, and a test could change the wrong one.
        running.heads.encoder(ENGLISH)
        thread = Thread(target=running.run, args=(stop.is_set,))
        thread.start()
        yield running
        stop.set()
        thread.join()
