"""Whether a worker goes on, as its liveness probe hears it."""

import urllib.error
import urllib.request

import pytest

from tenants.jobs import metrics, vitals
from tests.support.live import free_port


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vitals, "_last", {})
    monkeypatch.setattr(vitals, "_working", {})


def test_a_worker_without_work_is_alive() -> None:
    assert vitals.alive()
    with vitals.working("default"):
        assert vitals.alive()
    assert vitals.alive()


def test_work_that_stands_still_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with vitals.working("generate"):
        monkeypatch.setattr(vitals, "STILL_S", -1.0)
        assert not vitals.alive()
        monkeypatch.setattr(vitals, "STILL_S", 10.0)
        vitals.touch("step")
        assert vitals.alive()
        assert set(vitals.last()) == {"work", "step"}


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    from prometheus_client import CollectorRegistry

    found = free_port()
    monkeypatch.setattr(metrics.settings, "METRICS_PORT", found)
    monkeypatch.setattr("prometheus_client.REGISTRY", CollectorRegistry())
    return found


def status(address: str) -> int:
    try:
        with urllib.request.urlopen(address) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_workers_port_answers_the_probe(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics.serve()
    assert status(f"http://127.0.0.1:{port}/healthz") == 200
    monkeypatch.setattr(vitals, "alive", lambda: False)
    assert status(f"http://127.0.0.1:{port}/healthz") == 503
