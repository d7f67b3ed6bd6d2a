"""A brand at Acme, the kind `note` for tests that depend on no kind, and the real model."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from generation import kinds
from generation.engine.echo import EchoEngine
from generation.models import Brand, Brief
from generation.services import brief_request
from generation.serving.batch_worker import BatchWorker
from generation.serving.job_kinds import QUEUE
from generation.writers import guided
from tenants.actors import Actor, acting
from tenants.models import Tenant, User
from tenants.scope import tenant_scope


@pytest.fixture
def note(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a kind that tests may use like any other."""
    monkeypatch.setitem(kinds.KINDS, "note", "tests.support.note.Note")
    monkeypatch.setitem(guided.RECIPES, "note", "tests.support.note.NoteRecipe")
    yield "note"
    kinds.load.cache_clear()
    guided.load.cache_clear()


@pytest.fixture
def brand(acme: Tenant) -> Brand:
    with tenant_scope(acme):
        return Brand.objects.create(name="Acme", banned=["cheap"], is_default=True)


@pytest.fixture
def brief(note: str, brand: Brand, alice: User, acme: Tenant) -> Brief:
    """Ordered by Alice in three variants that wait to be written."""
    with tenant_scope(acme), acting(Actor(user=alice)):
        return brief_request(kind=note, fields={"topic": "Anvils"}, brand=brand)


@pytest.fixture(scope="session")
def base_model() -> Path:
    """The converted SmolLM2; converting takes seconds, so it is kept between runs."""
    from generation.engine.convert import convert

    data = Path(os.environ.get("DATA_DIR", ".data"))
    default = data / "models" / "smollm2-135m-instruct"
    return convert(Path(os.environ.get("KINDLING_TEST_MODEL", default)))


def run_jobs() -> None:
    """Do all the generate jobs that are due."""
    BatchWorker(EchoEngine(), QUEUE).run()
