"""Model versions: what is kept, what is refused, what is live, and the way back."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage

from generation.engine.echo import BASE_SHA256
from generation.engine.lora.base_model import BaseModel
from generation.engine.lora.peft import CONFIG, WEIGHTS, Settings, identity
from saas.errors import AppError, Conflict
from tenants.billing.limits import stored_bytes
from tenants.models import AuditEvent, Tenant, User
from tenants.scope import tenant_scope
from tests.support.tally import tally
from tests.training.adapters import TOY, bad_configs, bad_weights, config, weights
from tests.training.conftest import Bring, sent, upload
from training import files, services
from training.models import ModelSwitch, ModelVersion
from training.services import Upload

pytestmark = pytest.mark.django_db
COUNT = tally("imports of bad adapters")


def toy_base() -> BaseModel:
    return BaseModel("toy", BASE_SHA256, TOY)


def no_base() -> None:
    return None


def newer_base() -> BaseModel:
    return BaseModel("newer", "b" * 64)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The base has a shape."""
    monkeypatch.setattr("training.base_model._provider", toy_base)


def refused(given: Upload) -> AppError:
    with pytest.raises(AppError) as caught:
        services.version_import(upload=given)
    return caught.value


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("created_at").values_list("name", flat=True))


def test_an_adapter_is_kept_with_what_its_files_say(
    bring: Bring, acme: Tenant, alice: User, measured: None
) -> None:
    version = bring()
    data = weights()
    told = Settings.read(config())
    assert version.sha256 == identity(hashlib.sha256(data).hexdigest(), told)
    assert (version.number, version.rank, version.size) == (1, 4, len(data))
    assert version.base_sha256 == BASE_SHA256
    assert version.base_name == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert version.created_by == alice
    place = files.key(acme.pk, version.sha256, WEIGHTS)
    assert place.startswith(f"tenants/{acme.pk}/")
    assert default_storage.open(place).read() == data
    kept = json.loads(default_storage.open(files.key(acme.pk, version.sha256, CONFIG)).read())
    assert kept["base_sha256"] == BASE_SHA256
    assert actions()[-1] == "model.imported"


@pytest.mark.parametrize(
    ("reason", "data"), [pytest.param(*rest, id=name) for name, *rest in bad_weights()]
)
def test_bad_weights_are_not_kept(in_acme: None, measured: None, reason: str, data: bytes) -> None:
    COUNT.attempts += 1
    error = refused(replace(upload(), weights=sent(data)))
    assert (error.status, error.code, error.extra["reason"]) == (422, "adapter_invalid", reason)
    assert error.extra["errors"][0]["pointer"] == "/weights"
    assert not ModelVersion.objects.exists()


@pytest.mark.parametrize(
    ("reason", "data"), [pytest.param(*rest, id=name) for name, *rest in bad_configs()]
)
def test_bad_settings_are_not_kept(in_acme: None, reason: str, data: bytes) -> None:
    COUNT.attempts += 1
    error = refused(upload(told=data))
    assert (error.status, error.code, error.extra["reason"]) == (422, "adapter_invalid", reason)
    assert error.extra["errors"][0]["pointer"] == "/config"


@pytest.mark.parametrize("name", ["adapter_model.bin", "adapter.pt", "x.pkl", "model.safetensors"])
def test_what_could_run_code_is_refused_unread(in_acme: None, name: str) -> None:
    data = b"\x80\x04cos\nsystem\n" if name.endswith(".safetensors") else weights()
    COUNT.attempts += 1
    error = refused(replace(upload(), weights=sent(data, name)))
    assert (error.status, error.code) == (415, "unsafe_model_format")


def test_a_file_that_is_too_large_is_refused(in_acme: None, settings: Any) -> None:
    settings.MAX_ADAPTER_BYTES = 100
    assert refused(upload()).status == 413


def test_an_adapter_for_another_base_is_refused(
    in_acme: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = refused(upload(told=config(base_sha256="a" * 64)))
    assert (error.status, error.code) == (409, "adapter_base_mismatch")
    assert services.version_import(upload=upload(told=config(base_sha256=BASE_SHA256)))
    monkeypatch.setattr("training.base_model._provider", no_base)
    assert refused(upload(seed=1)).code == "adapter_base_mismatch"


def test_the_same_numbers_with_another_alpha_are_another_version(
    in_acme: None, bring: Bring
) -> None:
    first = bring()
    louder = services.version_import(upload=upload("Louder", told=config(lora_alpha=64)))
    assert louder.sha256 != first.sha256
    for version, alpha in ((first, 8), (louder, 64)):
        folder = files.local_folder(version.workspace_id, version.sha256, version.pk)
        files.fetch(folder)
        assert json.loads((folder / CONFIG).read_text())["lora_alpha"] == alpha


def test_a_version_known_by_its_weights_alone_still_works(bring: Bring, acme: Tenant) -> None:
    """As those were that were brought before alpha counted."""
    old = hashlib.sha256(weights()).hexdigest()
    files.store(acme.pk, old, sent(weights()), config())
    files.fetch(files.local_folder(acme.pk, old, "before"))


def test_each_refused_setting_is_named_with_its_cure(in_acme: None) -> None:
    """No two of them share their words, and none says only that something is wrong."""
    found = {}
    for setting, value in {
        "init_lora_weights": "pissa",
        "use_dora": True,
        "alpha_pattern": {"v_proj": 64},
        "modules_to_save": ["lm_head"],
        "trainable_token_indices": [0],
        "bias": "all",
        "layer_replication": [[0, 2]],
        "kasa_config": {"beta": 1},
        "lora_alpha": 0,
        "peft_type": "IA3",
    }.items():
        error = refused(upload(told=config(**{setting: value})))
        assert error.extra["setting"] == setting
        assert error.detail.startswith(f"{setting} is ")
        found[setting] = error.detail
    assert len(set(found.values())) == len(found)
    assert "path_initial_model_for_weight_conversion" in found["init_lora_weights"]


def test_the_same_adapter_is_kept_once_and_may_come_again(bring: Bring) -> None:
    first = bring()
    with pytest.raises(Conflict, match="number 1"):
        bring("Again")
    services.version_erase(version=first)
    assert bring("Again").number == 2


@pytest.mark.parametrize(
    ("limits", "code"), [({"models": 1}, "too_many_models"), ({"storage_bytes": 9}, "storage_full")]
)
def test_a_workspace_keeps_so_many(
    limits: dict[str, int], code: str, bring: Bring, settings: Any
) -> None:
    version = bring()
    assert stored_bytes() == version.size
    settings.LIMITS = limits
    with pytest.raises(Conflict) as caught:
        bring(seed=1)
    assert (caught.value.code, caught.value.extra["allowed"]) == (code, *limits.values())


def test_nothing_is_live_until_somebody_says_so(bring: Bring) -> None:
    version = bring()
    assert services.writer() is None
    services.version_promote(version=version)
    assert services.writer() == version
    services.version_promote(version=version)
    assert ModelSwitch.objects.count() == 1
    assert actions()[-2:] == ["model.imported", "model.promoted"]


def test_steps_back_walk_down_the_history(bring: Bring) -> None:
    first, second = bring(), bring("Second", seed=1)
    for version in (first, second):
        services.version_promote(version=version)
    way = [services.version_rollback().version for _ in range(2)]
    assert way == [first, None]
    with pytest.raises(Conflict) as caught:
        services.version_rollback()
    assert caught.value.code == "nothing_to_roll_back"
    assert actions()[-1] == "model.rolled_back"


def test_a_step_back_passes_over_what_cannot_be_used(bring: Bring) -> None:
    first, second, third = bring(), bring("Second", seed=1), bring("Third", seed=2)
    for version in (first, second, third):
        services.version_promote(version=version)
    services.version_quarantine(version=second)
    assert services.version_rollback().version == first


def test_the_base_can_be_chosen_and_left_by_a_step_back(bring: Bring) -> None:
    version = bring()
    services.version_promote(version=version)
    services.version_promote(version=None)
    assert services.writer() is None
    assert services.version_rollback().version == version


def test_what_is_on_hold_is_not_written_with(bring: Bring) -> None:
    version = bring()
    services.version_promote(version=version)
    services.version_quarantine(version=version)
    with pytest.raises(Conflict) as caught:
        services.writer()
    assert (caught.value.code, caught.value.extra["state"]) == (
        "adapter_not_available",
        "quarantined",
    )
    services.version_resume(version=version)
    assert services.writer() == version


def test_another_base_model_is_never_written_with_silently(
    bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = bring()
    services.version_promote(version=version)
    monkeypatch.setattr("training.base_model._provider", newer_base)
    for attempt in (services.writer, lambda: services.usable(version)):
        with pytest.raises(Conflict) as caught:
            attempt()
        assert caught.value.code == "adapter_base_mismatch"
        assert caught.value.extra == {"needed": BASE_SHA256, "base_sha256": "b" * 64}
    services.version_promote(version=None)
    assert services.writer() is None


def test_what_is_live_is_not_deleted_and_what_is_deleted_is_gone(
    bring: Bring, acme: Tenant, django_capture_on_commit_callbacks: Any
) -> None:
    version = bring()
    services.version_promote(version=version)
    with pytest.raises(Conflict) as caught:
        services.version_erase(version=version)
    assert caught.value.code == "model_live"
    services.version_rollback()
    files.fetch(files.local_folder(acme.pk, version.sha256, version.pk))
    with django_capture_on_commit_callbacks(execute=True):
        services.version_erase(version=version)
    assert not default_storage.exists(files.key(acme.pk, version.sha256, WEIGHTS))
    assert not files.local_folder(acme.pk, version.sha256, version.pk).exists()
    for change in (services.version_resume, services.version_quarantine, services.version_promote):
        with pytest.raises(Conflict) as caught:
            change(version=version)
        assert caught.value.extra["state"] == "erased"


def test_another_workspaces_live_model_is_not_mine(bring: Bring, other: Tenant) -> None:
    services.version_promote(version=bring())
    with tenant_scope(other):
        assert services.writer() is None
        assert not ModelVersion.objects.exists()


def test_files_are_fetched_once_and_checked(bring: Bring, acme: Tenant) -> None:
    version = bring()
    folder = files.local_folder(acme.pk, version.sha256, version.pk)
    assert folder.is_relative_to(settings.ADAPTER_CACHE)
    files.fetch(folder)
    assert (folder / WEIGHTS).read_bytes() == weights()
    default_storage.delete(files.key(acme.pk, version.sha256, WEIGHTS))
    files.fetch(folder)
    other = files.local_folder(acme.pk, "0" * 64, version.pk)
    with pytest.raises(FileNotFoundError):
        files.fetch(other)
    assert not other.exists()
    assert sorted(path.name for path in folder.parent.iterdir()) == [folder.name]


def test_a_damaged_file_is_not_used(bring: Bring, acme: Tenant) -> None:
    version = bring()
    Path(default_storage.path(files.key(acme.pk, version.sha256, WEIGHTS))).write_bytes(b"x")
    with pytest.raises(files.Damaged):
        files.fetch(files.local_folder(acme.pk, version.sha256, version.pk))


def test_the_least_recently_used_copies_are_thrown_out(
    bring: Bring, acme: Tenant, settings: Any, tmp_path: Path
) -> None:
    settings.ADAPTER_CACHE, settings.ADAPTER_CACHE_SIZE = tmp_path, 2
    made = [bring(f"Voice {seed}", seed=seed) for seed in range(3)]
    folders = [files.local_folder(acme.pk, each.sha256, each.pk) for each in made]
    for place, folder in enumerate((folders[0], folders[1], folders[0], folders[2])):
        files.fetch(folder)
        os.utime(folder, (place, place))
    assert [folder.parent.exists() for folder in folders] == [True, False, True]
