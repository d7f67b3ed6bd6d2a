"""doctor names what is wrong, each with its cure, and says it to scripts by its exit code."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from kombu.exceptions import OperationalError as BrokerAway

from generation.serving import diagnosis as engines
from saas import diagnosis
from saas.diagnosis import Finding
from tenants import diagnosis as isolation
from tenants.jobs import diagnosis as queues
from tenants.jobs.services import job_request
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.support.model_server import model_server

pytestmark = pytest.mark.django_db


def said(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = 0
    try:
        call_command("doctor")
    except SystemExit as end:
        code = int(str(end.code))
    return code, capsys.readouterr().out


def faults(found: Any) -> list[str]:
    return [each.what for each in found if each.level == "fault"]


def test_it_names_the_tests_own_faults_with_their_cures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(queues, "listened_queues", lambda: {"default"})
    code, text = said(capsys)
    assert code == 1
    assert "fault    engine      ENGINE=echo repeats the brief." in text
    assert "→ Set ENGINE=local or ENGINE=openai." in text
    assert "warning  queues      generate: 0 wait, 0 run; no worker listens." in text
    assert "ok       isolation" in text
    assert "ok       migrations  all migrations are applied" in text


def test_scripts_hear_that_all_is_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(diagnosis, "_checks", {})
    monkeypatch.setattr(diagnosis, "OWN", {"one": lambda: iter([Finding("warning", "a", "b")])})
    assert said(capsys) == (0, f"warning  one         a\n{'':20} → b\n")


def test_a_database_that_is_away_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def away() -> Any:
        raise OperationalError("connection refused\nmore")
        yield

    monkeypatch.setattr(diagnosis, "_checks", {})
    monkeypatch.setattr(diagnosis, "OWN", {"database": away})
    code, text = said(capsys)
    assert code == 1
    assert "Postgres said: connection refused" in text
    assert "Traceback" not in text


def test_work_that_nobody_hears_of_is_a_fault(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tenant_scope(acme):
        job_request(kind="generate.chat", payload={}, estimate=0)
    monkeypatch.setattr(queues, "listened_queues", lambda: {"default", "score", "train"})
    assert faults(queues.queues()) == ["generate: 1 wait, 0 run; no worker listens."]

    def away() -> set[str]:
        raise BrokerAway("refused")

    monkeypatch.setattr(queues, "listened_queues", away)
    assert faults(queues.queues()) == ["The broker said: refused"]


def test_settings_that_open_the_house_are_faults(settings: Any) -> None:
    settings.DEBUG, settings.HTTPS = True, False
    settings.ALLOWED_HOSTS, settings.PUBLIC_URL = ["other.example"], "http://studio.example"
    assert faults(diagnosis.the_settings()) == [
        "DEBUG is on.",
        "ALLOWED_HOSTS lacks studio.example.",
        "PUBLIC_URL is not https.",
    ]


def test_a_full_disk_is_a_fault(settings: Any, tmp_path: Path, monkeypatch: Any) -> None:
    settings.DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "none"
    usage = SimpleNamespace(free=5e8)
    monkeypatch.setattr(diagnosis.shutil, "disk_usage", lambda folder: usage)
    found = list(diagnosis.disks())
    assert [each.level for each in found] == ["fault", "warning"]
    assert found[0].what == "0.5 GB are free for DATA_DIR."


def test_a_missing_table_and_a_violation_are_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    assert faults(isolation.isolation()) == []
    monkeypatch.setattr(isolation, "violations", lambda: ["The app runs as root."])
    assert faults(isolation.isolation()) == ["The app runs as root."]
    monkeypatch.setattr(isolation, "missing_tables", lambda: ["tenants_tenant"])
    assert faults(isolation.isolation()) == ["1 tables of workspaces are missing."]


def test_the_engines_model_and_server_are_asked(settings: Any, tmp_path: Path) -> None:
    settings.ENGINE, settings.BASE_MODEL = "local", tmp_path
    settings.ENGINE_OPTIONS = {"device": "cpu"}
    assert faults(engines.engine()) == [f"There is no model in {tmp_path}."]
    (tmp_path / "config.json").touch()
    assert faults(engines.engine()) == []
    settings.ENGINE = "openai"
    settings.ENGINE_OPTIONS = {"base_url": "http://127.0.0.1:1/v1", "api_key": ""}
    (said,) = faults(engines.engine())
    assert said.startswith("The model server at http://127.0.0.1:1/v1 said:")
    with model_server() as model:
        settings.ENGINE_OPTIONS = {"base_url": model.url, "api_key": "k"}
        assert faults(engines.engine()) == []


def test_redis_and_mail_of_this_run_are_in_order() -> None:
    assert faults(diagnosis.valkey()) == []
    assert faults(diagnosis.mail()) == []
    assert faults(diagnosis.database()) == []
    assert connection.is_usable()
