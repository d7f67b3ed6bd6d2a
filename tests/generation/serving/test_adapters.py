"""Two workspaces, two adapters, one engine: each is written with its own, from order to end."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from generation.api.openai.models import chosen
from generation.engine.lora.base_model import BaseModel
from generation.engine.lora.peft import CONFIG, WEIGHTS
from generation.engine.types import AdapterRef, Event, Message, Sampling
from generation.engine.weights import weights_sha256
from generation.models import Brand, Brief, Endpoint
from generation.services import brief_request, variant_retry, variant_stop
from generation.serving.adapters import adapter_for, engine_options, fetch
from generation.serving.batch_worker import BatchWorker
from generation.serving.job_kinds import CHAT, QUEUE
from generation.serving.routing import resolve_model
from saas.errors import Conflict
from tenants.billing.prices import CREDIT
from tenants.billing.services import balance
from tenants.jobs.models import Job, Lease
from tenants.jobs.services import job_request
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.generation.conftest import run_jobs as run_echo_jobs
from tests.generation.engine.toys import ask, finish, write_adapter, write_toy
from tests.training.conftest import upload
from training import base_model, files, services
from training.models import ModelVersion
from training.services import Upload

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = "the cat in the hat"


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("toy")
    return folder, write_toy(folder)


@pytest.fixture
def engine(toy: tuple[Path, Any], settings: Any, tmp_path: Path) -> Iterator[Any]:
    from generation.engine import load

    settings.ENGINE, settings.BASE_MODEL = "local", toy[0]
    settings.ADAPTER_CACHE = tmp_path / "cache"
    settings.ENGINE_OPTIONS = {"model": toy[0], "threads": 1, "context": 512, "precision": "fp32"}
    made = load("local", **engine_options())
    yield made
    made.close()


Bring = Callable[..., ModelVersion]


@pytest.fixture
def bring(engine: Any, toy: tuple[Path, Any], tmp_path: Path) -> Bring:
    """Import a random adapter of the toy into the workspace in scope, and make it live."""

    def brought(seed: int, **changes: Any) -> ModelVersion:
        write_adapter(tmp_path / str(seed), toy[1], seed=seed, **changes)
        parts = {
            name: ContentFile((tmp_path / str(seed) / file).read_bytes(), file)
            for name, file in (("weights", WEIGHTS), ("config", CONFIG))
        }
        version = services.version_import(upload=Upload(f"Voice {seed}", **parts))
        services.version_promote(version=version)
        return version

    return brought


def chat(n: int = 1) -> Job:
    """A job as the API asks for it, in the workspace in scope."""
    return job_request(
        kind=CHAT,
        payload={
            "messages": [{"role": "user", "content": WORDS}],
            "max_tokens": 12,
            "n": n,
            "sampling": {"temperature": 0},
            **resolve_model().payload,
        },
        estimate=CREDIT,
    )


def ended(job: Job) -> Job:
    with tenant_scope(job.tenant_id):
        return Job.objects.get(pk=job.pk)


def alone(engine: Any, tenant: Tenant, version: ModelVersion | None) -> str:
    """What the engine writes for the same request when nobody else is there."""
    used = None
    if version is not None:
        path = files.local_folder(tenant.pk, version.sha256, version.pk)
        used = AdapterRef("x", str(path), version.sha256)
    request = ask(
        "", messages=(Message("user", WORDS),), adapter=used, sampling=Sampling(temperature=0)
    )
    return finish(engine, request).text


def test_each_workspace_is_written_with_its_own(
    engine: Any, bring: Bring, toy: Any, acme: Tenant, other: Tenant
) -> None:
    versions, jobs = {}, []
    with tenant_scope(acme):
        plain = chat()
    for seed, tenant in enumerate((acme, other), start=1):
        with tenant_scope(tenant):
            versions[tenant] = bring(seed)
    for tenant in (acme, other, acme, other):
        with tenant_scope(tenant):
            jobs.append((tenant, chat(n=2)))
    BatchWorker(engine, QUEUE).run()
    texts = {tenant: alone(engine, tenant, version) for tenant, version in versions.items()}
    assert len({*texts.values(), alone(engine, acme, None)}) == 3
    for tenant, job in jobs:
        result = ended(job).result
        assert [choice["text"] for choice in result["choices"]] == [texts[tenant]] * 2
        assert result["adapter_sha256"] == versions[tenant].sha256
        assert result["base_sha256"] == weights_sha256(toy[0])
    assert ended(plain).result["adapter_sha256"] is None


def test_running_work_ends_with_the_version_that_it_began_with(
    engine: Any, bring: Bring, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tenant_scope(acme):
        old = bring(1)
        job = chat(n=3)
    steps: list[ModelVersion] = []
    real = engine.step

    def step() -> list[Event]:
        if engine.scheduler.running and not steps:
            with tenant_scope(acme):
                steps.append(bring(2))
        return real()

    monkeypatch.setattr(engine, "step", step)
    BatchWorker(engine, QUEUE).run()
    with tenant_scope(acme):
        later = chat()
    BatchWorker(engine, QUEUE).run()
    assert ended(job).result["adapter_sha256"] == old.sha256
    texts = {choice["text"] for choice in ended(job).result["choices"]}
    assert texts == {alone(engine, acme, old)}
    assert ended(later).result["adapter_sha256"] == steps[0].sha256


def test_the_same_weights_with_other_settings_are_another_model(
    engine: Any, bring: Bring, acme: Tenant
) -> None:
    jobs = []
    for alpha in (8, 1):
        with tenant_scope(acme):
            version = bring(1, lora_alpha=alpha)
            jobs.append(chat())
        BatchWorker(engine, QUEUE).run()
        with tenant_scope(acme):
            services.version_promote(version=None)
            version.move(ModelVersion.State.ERASED)  # on another machine: this one's copy stays
    results = [ended(job).result for job in jobs]
    assert results[0]["adapter_sha256"] != results[1]["adapter_sha256"]
    assert results[0]["choices"] != results[1]["choices"]
    assert results[1]["choices"][0]["text"] == alone(engine, acme, version)


def test_variants_keep_who_wrote_them(
    engine: Any, bring: Bring, toy: Any, note: str, brand: Brand, acme: Tenant
) -> None:
    with tenant_scope(acme):
        version = bring(1)
        brief = brief_request(kind=note, fields={"topic": WORDS}, brand=brand, variants=2)
        BatchWorker(engine, QUEUE).run()
        made = {(each.base_sha256, each.adapter_sha256) for each in brief.variants.all()}
    assert made == {(weights_sha256(toy[0]), version.sha256)}


def failed(engine: Any, job: Job) -> str:
    """The code with which the job ends, at once and uncharged."""
    BatchWorker(engine, QUEUE).run()
    over = ended(job)
    assert (over.state, over.attempt) == (Job.State.FAILED, 1)
    with tenant_scope(job.tenant_id):
        assert balance().reserved == 0
    return over.error_code


def test_an_adapter_whose_file_is_gone_fails_its_jobs_alone(
    engine: Any, bring: Bring, acme: Tenant, other: Tenant
) -> None:
    with tenant_scope(acme):
        version = bring(1)
        job = chat()
    with tenant_scope(other):
        fine = chat()
    default_storage.delete(files.key(acme.pk, version.sha256, WEIGHTS))
    assert failed(engine, job) == "adapter_not_available"
    assert ended(fine).state == Job.State.SUCCEEDED


def test_what_was_put_on_hold_meanwhile_is_not_written_with(
    engine: Any, bring: Bring, acme: Tenant
) -> None:
    with tenant_scope(acme):
        version = bring(1)
        job = chat()
        services.version_quarantine(version=version)
        with pytest.raises(Conflict):
            chat()
    assert failed(engine, job) == "adapter_not_available"


def test_another_base_under_an_adapter_is_refused_by_the_engine_too(
    engine: Any, bring: Bring, acme: Tenant
) -> None:
    with tenant_scope(acme):
        version = bring(1)
        place = files.key(acme.pk, version.sha256, CONFIG)
        told = default_storage.open(place).read().replace(version.base_sha256.encode(), b"0" * 64)
        default_storage.delete(place)
        default_storage.save(place, ContentFile(told))
        job = chat()
    assert failed(engine, job) == "adapter_base_mismatch"


def test_a_base_that_was_changed_is_noticed_when_something_is_asked_for(
    engine: Any, bring: Bring, acme: Tenant, settings: Any, tmp_path: Path
) -> None:
    with tenant_scope(acme):
        bring(1)
        write_toy(tmp_path / "newer", initializer_range=0.3)
        settings.BASE_MODEL = tmp_path / "newer"
        with pytest.raises(Conflict) as caught:
            chat()
        assert caught.value.code == "adapter_base_mismatch"
        services.version_promote(version=None)
        assert "adapter" not in chat().payload


def test_a_server_of_ones_own_writes_without_adapters(
    engine: Any, bring: Bring, acme: Tenant
) -> None:
    with tenant_scope(acme):
        version = bring(1)
        Endpoint.objects.create(base_url="https://models.test/v1", model="m")
        assert resolve_model().payload.keys() == {"endpoint"}
        assert chosen("kindling") == resolve_model()
        with pytest.raises(Conflict) as caught:
            chosen(f"kindling:{version.number}")
        assert caught.value.code == "adapter_base_mismatch"
        assert base_model.current().bypassed


def test_the_sizes_of_the_base_are_held_against_an_adapter(
    engine: Any, toy: Any, acme: Tenant, tmp_path: Path
) -> None:
    with tenant_scope(acme), pytest.raises(Exception, match="sizes do not fit") as caught:
        services.version_import(upload=upload())
    assert caught.value.extra["reason"] == "shape"


def test_a_stopped_text_says_who_wrote_its_beginning(brief: Brief, acme: Tenant) -> None:
    run_echo_jobs()
    with tenant_scope(acme):
        variant = brief.variants.get(number=1)
        assert len(variant.base_sha256) == 64
        again = variant_retry(variant=variant)
        assert again.base_sha256 == ""
        assert variant_stop(variant=again).state == "stopped"


def test_a_server_takes_adapters_where_it_loads_them(
    acme: Tenant, settings: Any, tmp_path: Path
) -> None:
    settings.ENGINE, settings.ADAPTER_CACHE = "openai", tmp_path
    settings.ENGINE_OPTIONS = {"base_url": "http://vllm/v1", "model": "llama"}
    with tenant_scope(acme):
        assert base_model.current() is None
        settings.ENGINE_OPTIONS |= {"dialect": "vllm"}
        version = services.version_import(upload=upload())
        services.version_promote(version=version)
        job = chat()
        assert base_model.current() == BaseModel("llama", version.base_sha256)
        adapter_for(Lease(acme.pk, job.pk, 1, CHAT, job.payload, 0))
    assert (files.local_folder(acme.pk, version.sha256, version.pk) / WEIGHTS).is_file()


def test_only_an_engine_that_loads_adapters_is_told_where_they_come_from(settings: Any) -> None:
    assert engine_options() == settings.ENGINE_OPTIONS
    settings.ENGINE = "local"
    assert engine_options()["fetch"] is fetch
