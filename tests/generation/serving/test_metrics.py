"""What the batch worker measures, read from the exposition as Prometheus reads it."""

from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from generation.engine.types import EngineStats
from generation.serving import metrics
from generation.serving.metrics import NoMeter, PrometheusMeter
from tenants.models import Tenant
from tests.generation.serving.test_backends import chat, connect, run_jobs
from tests.support.model_server import ModelServer, model_server
from tests.tenants.jobs.test_metrics import samples

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> CollectorRegistry:
    found = CollectorRegistry()
    meter = PrometheusMeter(found)
    monkeypatch.setattr("generation.serving.batch_worker.meter", lambda: meter)
    return found


@pytest.fixture
def server(settings: Any) -> Iterator[ModelServer]:
    settings.ENDPOINT_NETWORKS = ["127.0.0.0/8"]
    with model_server() as made:
        yield made


def test_each_request_and_each_step_is_measured(
    acme: Tenant, other: Tenant, registry: CollectorRegistry, server: ModelServer
) -> None:
    connect(acme, server.url)
    chat(acme, "a secret prompt")
    for _ in range(3):
        chat(other, "another secret")
    run_jobs()
    text = generate_latest(registry).decode()
    found = samples(text)
    platform, customer = "('server', 'platform')", "('server', 'customer_endpoint')"
    assert found["kindling_job_wait_seconds_count[]"] == 4
    assert found[f"kindling_first_token_seconds_count[{platform}]"] == 3
    assert found[f"kindling_first_token_seconds_count[{customer}]"] == 1
    outcomes = {name for name in found if name.startswith("kindling_request_seconds_count")}
    assert sum(found[name] for name in outcomes) == 4
    assert found[f"kindling_request_tokens_per_second_count[{customer}]"] == 1
    assert found["kindling_step_rows_count[]"] > 0
    assert found["kindling_step_rows_sum[]"] >= found["kindling_step_rows_count[]"]
    assert found["kindling_tokens_total[('kind', 'completion')]"] > 0
    for word in ("secret", str(acme.pk), str(other.pk), server.url):
        assert word not in text


def test_counts_go_on_when_an_engine_is_loaded_anew() -> None:
    registry = CollectorRegistry()
    meter = PrometheusMeter(registry)

    class Engine:
        def __init__(self, swaps: int) -> None:
            self.swaps = swaps

        def stats(self) -> EngineStats:
            return EngineStats(rows_busy=2, rows_total=8, adapter_swaps=self.swaps)

    for swaps in (3, 5, 1):
        meter.stepped(Engine(swaps), 0.01)
    found = samples(generate_latest(registry).decode())
    assert found["kindling_adapter_swaps_total[]"] == 6
    assert found["kindling_rows[('state', 'busy')]"] == 2
    assert found["kindling_step_rows_bucket[('le', '2.0')]"] == 3


def test_without_a_port_nothing_is_measured(settings: Any) -> None:
    settings.METRICS_PORT = 0
    metrics.meter.cache_clear()
    assert isinstance(metrics.meter(), NoMeter)
    metrics.meter.cache_clear()
