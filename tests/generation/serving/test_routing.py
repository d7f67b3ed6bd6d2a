"""Which model serves a text, and which writer leads it, are settled when it is ordered."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generation.models import Brand, Brief, Variant
from generation.services import brief_request
from generation.serving.routing import ModelChoice, default_choice, resolve_model
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.generation.conftest import run_jobs
from tests.generation.serving.test_backends import connect
from tests.support.model_server import ModelServer, model_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as running:
        yield running


@pytest.fixture(autouse=True)
def _loopback_is_ours(settings: Any) -> None:
    settings.ENDPOINT_NETWORKS = ["127.0.0.0/8"]


def weights(folder: Path, parameters: int) -> Path:
    folder.mkdir()
    with (folder / "model.safetensors").open("wb") as file:
        file.truncate(2 * parameters)
    return folder


def test_a_small_base_is_guided_and_a_large_one_is_not(
    acme: Tenant, settings: Any, tmp_path: Path
) -> None:
    settings.ENGINE, settings.GUIDED_WRITER_BELOW = "local", 1000
    found = {}
    for parameters in (999, 1000):
        settings.BASE_MODEL = weights(tmp_path / str(parameters), parameters)
        with tenant_scope(acme):
            found[parameters] = default_choice().writer
    assert found == {999: "guided", 1000: "direct"}


def test_a_server_is_given_the_whole_brief(acme: Tenant, settings: Any) -> None:
    settings.ENGINE, settings.ENGINE_OPTIONS = "openai", {}
    with tenant_scope(acme):
        assert default_choice() == ModelChoice({}, "direct")


def test_a_base_that_is_not_there_yet_lets_texts_be_ordered(
    acme: Tenant, settings: Any, tmp_path: Path
) -> None:
    settings.ENGINE, settings.BASE_MODEL = "local", tmp_path / "none"
    with tenant_scope(acme):
        assert resolve_model() == ModelChoice()


def test_a_text_remembers_how_it_was_written(
    acme: Tenant, note: str, brand: Brand, server: ModelServer
) -> None:
    with tenant_scope(acme):
        guided = ordered(brand)
    run_jobs()
    connect(acme, server.url)
    server.words = (json.dumps({"line": "Anvils from afar"}),)
    with tenant_scope(acme):
        direct = ordered(brand)
    run_jobs()
    with tenant_scope(acme):
        before, after = (brief.variants.get() for brief in (guided, direct))
        assert (before.state, before.writer) == (Variant.State.READY, "guided")
        assert (after.state, after.writer) == (Variant.State.READY, "direct")
        assert after.data == {"line": "Anvils from afar"}
    assert "Acme" in server.asked()[0].body["messages"][0]["content"]


def ordered(brand: Brand) -> Brief:
    return brief_request(kind="note", fields={"topic": "Anvils"}, brand=brand, variants=1)
