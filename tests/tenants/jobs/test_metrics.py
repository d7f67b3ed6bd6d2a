"""The load of the queues: counted over all workspaces, shown to few, and in no detail."""

import urllib.request
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tenants.jobs import metrics
from tenants.jobs.leases import take
from tenants.jobs.services import QueueLoad, job_request, loads, oldest_silence
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.support.live import free_port

pytestmark = pytest.mark.django_db
TOKEN = "metrics-canary-token"


def order(tenant: Tenant, kind: str = "test.batched", title: str = "") -> None:
    with tenant_scope(tenant):
        job_request(kind=kind, payload={"title": title}, estimate=0)


def samples(text: str) -> dict[str, float]:
    """Each sample of an exposition, by name and labels."""
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_waiting_and_running_are_counted_over_all_workspaces(acme: Tenant, other: Tenant) -> None:
    for tenant in (acme, acme, other):
        order(tenant)
    order(other, "generate.echo")
    take("generate", limit=1, owner="test")
    default, generate, *_ = loads()
    assert (default.queue, default.waiting, default.running) == ("default", 1, 0)
    assert (generate.queue, generate.waiting, generate.running) == ("generate", 2, 1)
    assert 0 <= generate.oldest_seconds < 60


def test_an_empty_queue_is_shown_as_empty() -> None:
    assert loads() == [QueueLoad(queue) for queue in ("default", "generate", "score", "train")]


def test_the_role_that_scales_workers_sees_numbers_alone(acme: Tenant) -> None:
    """What KEDA's Postgres scaler asks as the app's role, outside of every workspace."""
    order(acme)
    with connection.cursor() as cursor:
        cursor.execute("SELECT waiting + running FROM jobs_load() WHERE queue = 'generate'")
        assert cursor.fetchall() == [(1,)]
        cursor.execute("SELECT count(*) FROM jobs_job")
        assert cursor.fetchall() == [(0,)]


def test_a_lease_knows_how_long_its_job_has_waited(acme: Tenant) -> None:
    order(acme)
    (lease,) = take("generate", limit=1, owner="test")
    assert 0 <= lease.waited_s < 60


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x"]
)
def test_without_the_token_there_is_no_such_page(settings: Any, header: str) -> None:
    settings.METRICS_TOKEN = TOKEN
    answer = Client().get("/metrics", headers={"authorization": header} if header else {})
    assert answer.status_code == 404
    settings.METRICS_TOKEN = ""
    assert Client().get("/metrics", headers={"authorization": "Bearer "}).status_code == 404


def test_with_the_token_the_queues_are_shown_and_no_workspace(settings: Any, acme: Tenant) -> None:
    settings.METRICS_TOKEN = TOKEN
    order(acme, title="a secret headline")
    answer = Client().get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    text = answer.content.decode()
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert samples(text)["kindling_jobs_waiting[('queue', 'generate')]"] == 1
    assert "secret" not in text
    assert str(acme.pk) not in text


def test_a_worker_answers_on_its_own_port_and_on_no_other_address(
    settings: Any, monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> None:
    settings.METRICS_PORT = free_port()
    registry = CollectorRegistry()
    monkeypatch.setattr("prometheus_client.REGISTRY", registry)
    metrics.serve()
    with urllib.request.urlopen(f"http://127.0.0.1:{settings.METRICS_PORT}/metrics") as answer:
        assert answer.status == 200
    assert "kindling_jobs_waiting" in generate_latest(registry).decode()
    metrics_again = CollectorRegistry()
    monkeypatch.setattr("prometheus_client.REGISTRY", metrics_again)
    metrics.serve()  # the port is taken: the worker goes on without


def test_no_port_no_server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.METRICS_PORT = 0
    monkeypatch.setattr(metrics, "make_server", pytest.fail)
    metrics.serve()


def test_numbers_stay_while_postgres_is_away(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    order(acme)
    registry = CollectorRegistry()
    registry.register(metrics.QueueCollector())
    waiting, up = "kindling_jobs_waiting[('queue', 'generate')]", "kindling_database_up[]"
    found = samples(generate_latest(registry).decode())
    assert (found[waiting], found[up]) == (1, 1)

    def away() -> list[QueueLoad]:
        raise OperationalError("refused")

    monkeypatch.setattr(metrics, "loads", away)
    monkeypatch.setattr(metrics.connection, "close", lambda: None)  # the test's own transaction
    found = samples(generate_latest(registry).decode())
    assert (found[waiting], found[up]) == (1, 0)


def test_requests_are_counted_by_the_pattern_of_their_address(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN
    Client().get("/problems/no-such-canary/")
    Client().get("/no-such-canary/")
    answer = Client().get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    text = answer.content.decode()
    assert 'route="none"' in text
    assert 'kindling_disk_free_ratio{folder="data"}' in text or "kindling_disk" in text
    assert "canary" not in text.replace(TOKEN, "")


def test_the_longest_silence_is_seen(acme: Tenant) -> None:
    assert oldest_silence() == 0
    order(acme)
    take("generate", limit=1, owner="test")
    assert 0 <= oldest_silence() < 60
