"""Workspaces with model servers of their own: each server sees its own workspace, and no other."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from generation.engine.echo import EchoEngine
from generation.models import Brand, Endpoint, Variant
from generation.services import brief_request
from generation.serving.batch_worker import BatchWorker
from generation.serving.customer_endpoint import ROWS
from generation.serving.job_kinds import CHAT, QUEUE
from tenants.billing.models import UsageEvent
from tenants.billing.prices import CREDIT
from tenants.billing.services import balance
from tenants.jobs import services as jobs
from tenants.jobs.leases import SHARE
from tenants.jobs.models import Job
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.support.model_server import ModelServer, model_server
from tests.support.rows import tenant_models
from tests.support.tally import tally

pytestmark = pytest.mark.django_db(transaction=True)
COUNT = tally("calls to workspaces' own servers")
KEYS = {"acme": "mk-acme-canary-0001", "other": "mk-other-canary-0002"}


@pytest.fixture(autouse=True)
def _loopback_is_ours(settings: Any) -> None:
    settings.ENDPOINT_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def servers() -> Iterator[dict[str, ModelServer]]:
    with model_server() as one, model_server() as two:
        yield {"acme": one, "other": two}


def connect(tenant: Tenant, url: str, **fields: Any) -> Endpoint:
    with tenant_scope(tenant):
        endpoint = Endpoint(base_url=url, model="big-model", **fields)
        endpoint.keep_key(KEYS[tenant.slug])
        endpoint.save()
    return endpoint


def chat(tenant: Tenant, text: str = "Say hello", **payload: Any) -> Job:
    with tenant_scope(tenant):
        elsewhere = Endpoint.objects.payload_ref()
        asked = {"messages": [{"role": "user", "content": text}], "max_tokens": 16}
        return jobs.job_request(
            kind=CHAT,
            payload={**asked, **elsewhere, **payload},
            estimate=0 if elsewhere else CREDIT,
        )


def run_jobs(engine: EchoEngine | None = None) -> None:
    BatchWorker(engine or EchoEngine(), QUEUE).run()


def again(job: Job) -> Job:
    with tenant_scope(job.workspace_id):
        return Job.objects.get(pk=job.pk)


def due_now(job: Job) -> None:
    with tenant_scope(job.workspace_id):
        Job.objects.filter(pk=job.pk).update(due_at=job.created_at)


def test_each_server_sees_its_own_workspaces_key_and_prompts_alone(
    acme: Tenant, other: Tenant, servers: dict[str, ModelServer]
) -> None:
    tenants = {"acme": acme, "other": other}
    for slug, tenant in tenants.items():
        connect(tenant, servers[slug].url)
    ordered = [
        chat(tenant, f"secret of {slug} {number}")
        for number in range(4)
        for slug, tenant in tenants.items()
    ]
    run_jobs()
    assert {again(job).state for job in ordered} == {Job.State.SUCCEEDED}
    for slug, server in servers.items():
        (foreign,) = KEYS.keys() - {slug}
        for call in server.asked():
            COUNT.attempts += 1
            wrong = (
                call.key != KEYS[slug] or foreign in call.prompt or call.body["model"] == foreign
            )
            COUNT.failures += wrong
            COUNT.controls += f"secret of {slug}" in call.prompt
        assert len(server.asked()) == 4
    assert COUNT.failures == 0
    assert again(ordered[0]).result["choices"][0]["text"] == "Hello from afar."


def test_the_work_is_noted_and_costs_nothing(acme: Tenant, servers: dict[str, ModelServer]) -> None:
    connect(acme, servers["acme"].url)
    job = chat(acme)
    run_jobs()
    with tenant_scope(acme):
        usage = UsageEvent.objects.get(source_id=job.pk)
        assert (usage.usage, usage.amount) == ({"prompt_tokens": 7, "completion_tokens": 3}, 0)
        assert usage.customer_endpoint
        assert (balance().spent_this_month, balance().reserved) == (0, 0)


def test_others_are_written_by_the_house_meanwhile(
    acme: Tenant, other: Tenant, servers: dict[str, ModelServer]
) -> None:
    """A server that does not answer holds up nobody else, and its jobs keep their leases."""
    connect(acme, servers["acme"].url)
    servers["acme"].pause_s = 0.5
    slow, quick = chat(acme), chat(other)
    done: dict[str, float] = {}

    class Watch(EchoEngine):
        def step(self) -> list[Any]:
            events = super().step()
            done.setdefault("platform", time.monotonic())
            return events

    run_jobs(Watch())
    assert again(quick).state == again(slow).state == Job.State.SUCCEEDED
    assert again(quick).finished_at < again(slow).finished_at
    assert again(slow).heartbeat_at > again(slow).started_at
    with tenant_scope(other):
        assert balance().spent_this_month > 0


FAILURES = [
    (401, "endpoint_refused", Job.State.FAILED),
    (403, "endpoint_refused", Job.State.FAILED),
    (404, "endpoint_model_missing", Job.State.FAILED),
    (400, "endpoint_rejected", Job.State.FAILED),
    (302, "endpoint_failed", Job.State.QUEUED),
    (429, "endpoint_busy", Job.State.QUEUED),
    (500, "endpoint_failed", Job.State.QUEUED),
]


def test_each_failure_says_what_to_do_and_is_tried_again_where_that_may_help(
    acme: Tenant, servers: dict[str, ModelServer]
) -> None:
    connect(acme, servers["acme"].url)
    for status, code, state in FAILURES:
        servers["acme"].status = status
        job = chat(acme)
        run_jobs()
        found = again(job)
        assert (found.error_code, found.state) == (code, state)
        assert found.error_detail.startswith("Your model server")


def test_only_so_many_servers_are_connected_to_at_a_time(
    acme: Tenant,
    other: Tenant,
    servers: dict[str, ModelServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("generation.serving.backends.MAX_BACKENDS", 1)
    servers["acme"].pause_s = servers["other"].pause_s = 0.3
    ordered = []
    for slug, tenant in (("acme", acme), ("other", other)):
        connect(tenant, servers[slug].url)
        ordered.append(chat(tenant))
    run_jobs()
    states = {again(job).state for job in ordered}
    assert states == {Job.State.SUCCEEDED, Job.State.QUEUED}
    for job in ordered:
        due_now(job)
    run_jobs()
    assert {again(job).state for job in ordered} == {Job.State.SUCCEEDED}


def test_a_server_that_is_gone_is_tried_again_and_then_given_up(acme: Tenant) -> None:
    with model_server() as gone:
        url = gone.url
    connect(acme, url)
    job = chat(acme)
    for _attempt in range(3):
        due_now(job)
        run_jobs()
    found = again(job)
    assert (found.state, found.error_code) == (Job.State.DEAD, "endpoint_unreachable")
    with tenant_scope(acme):
        assert balance().reserved == 0


def test_the_credits_of_a_failed_job_are_released(
    acme: Tenant, servers: dict[str, ModelServer]
) -> None:
    """Also of one that was reserved for, which is not how such jobs are ordered."""
    endpoint = connect(acme, servers["acme"].url)
    servers["acme"].status = 401
    with tenant_scope(acme):
        endpoint_id = str(endpoint.pk)
        payload = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 4}
        job = jobs.job_request(
            kind=CHAT, payload=payload | {"endpoint": endpoint_id}, estimate=CREDIT
        )
        assert balance().reserved == CREDIT
    run_jobs()
    assert again(job).state == Job.State.FAILED
    with tenant_scope(acme):
        assert balance().reserved == 0


def test_work_never_falls_back_to_the_house(acme: Tenant, servers: dict[str, ModelServer]) -> None:
    """It was ordered for nothing: switching the server off must not make it free of charge."""
    endpoint = connect(acme, servers["acme"].url)
    for change in ("off", "gone"):
        job = chat(acme, endpoint=str(endpoint.pk))
        with tenant_scope(acme):
            if change == "off":
                Endpoint.objects.update(enabled=False)
            else:
                Endpoint.objects.all().delete()
        run_jobs()
        assert (again(job).state, again(job).error_code) == (Job.State.FAILED, "endpoint_off")
    assert servers["acme"].calls == []


def test_another_workspaces_server_cannot_be_named(
    acme: Tenant, other: Tenant, servers: dict[str, ModelServer]
) -> None:
    foreign = connect(other, servers["other"].url)
    job = chat(acme, endpoint=str(foreign.pk))
    run_jobs()
    assert again(job).error_code == "endpoint_off"
    assert servers["other"].calls == []


def test_a_changed_key_is_used_from_the_next_request_on(
    acme: Tenant, servers: dict[str, ModelServer]
) -> None:
    endpoint = connect(acme, servers["acme"].url)
    chat(acme)
    run_jobs()
    with tenant_scope(acme):
        endpoint.keep_key("mk-second-key-0003")
        endpoint.save()
    chat(acme)
    run_jobs()
    keys = [call.key for call in servers["acme"].asked()]
    assert keys == [KEYS["acme"], "mk-second-key-0003"]


def test_a_key_that_cannot_be_read_any_more_fails_its_jobs_alone(
    acme: Tenant, other: Tenant, servers: dict[str, ModelServer], settings: Any
) -> None:
    connect(acme, servers["acme"].url)
    settings.ENCRYPTION_KEYS = ["another"]
    job, fine = chat(acme), chat(other)
    run_jobs()
    assert (again(job).state, again(job).error_code) == (Job.State.FAILED, "endpoint_refused")
    assert again(fine).state == Job.State.SUCCEEDED


def test_a_name_that_now_leads_inside_fails_its_job(
    acme: Tenant, servers: dict[str, ModelServer], settings: Any
) -> None:
    connect(acme, servers["acme"].url)
    settings.ENDPOINT_NETWORKS = []
    job = chat(acme)
    run_jobs()
    assert (again(job).state, again(job).error_code) == (Job.State.FAILED, "url_not_allowed")
    assert servers["acme"].calls == []


def test_a_running_job_can_be_stopped(acme: Tenant, servers: dict[str, ModelServer]) -> None:
    connect(acme, servers["acme"].url)
    servers["acme"].words, servers["acme"].pause_s = ("word ",) * 200, 0.1
    job = chat(acme, max_tokens=500)

    def stop() -> None:
        time.sleep(1.0)
        with tenant_scope(acme):
            jobs.job_cancel(job=again(job))
        connection.close()

    stopper = threading.Thread(target=stop)
    stopper.start()
    run_jobs()
    stopper.join()
    assert again(job).state == Job.State.CANCELLED


def test_a_workspaces_server_is_given_so_much_at_a_time(
    acme: Tenant, other: Tenant, servers: dict[str, ModelServer]
) -> None:
    connect(acme, servers["acme"].url)
    servers["acme"].pause_s = 0.1
    many = [chat(acme) for _ in range(3 * ROWS)]
    late = chat(other)
    most = 0

    class Watch(EchoEngine):
        def step(self) -> list[Any]:
            nonlocal most
            with tenant_scope(acme):
                most = max(most, Job.objects.filter(state=Job.State.RUNNING).count())
            return super().step()

    run_jobs(Watch())
    assert {again(job).state for job in [*many, late]} == {Job.State.SUCCEEDED}
    assert most < ROWS + SHARE
    assert again(late).finished_at < again(many[-1]).finished_at


def test_the_key_stands_nowhere_in_the_open(
    acme: Tenant,
    alice: User,
    note: str,
    brand: Brand,
    servers: dict[str, ModelServer],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A canary: not in a dump of all tables, not in any line of the log."""
    connect(acme, servers["acme"].url)
    servers["acme"].words = ('{"line": "Anvils."}',)
    with tenant_scope(acme):
        brief_request(kind=note, fields={"topic": "Anvils"}, brand=brand)
    chat(acme)
    servers["acme"].status = 200
    with caplog.at_level("DEBUG"):
        run_jobs()
    with tenant_scope(acme), connection.cursor() as cursor:
        dump = []
        for model in tenant_models():
            cursor.execute(f'SELECT t::text FROM "{model._meta.db_table}" t')
            dump += [text for (text,) in cursor.fetchall()]
        texts = [variant.text for variant in Variant.objects.all()]
    everything = "\n".join(dump)
    assert KEYS["acme"] in {call.key for call in servers["acme"].asked()}
    assert "gAAAA" in everything, "the ciphertext is in the dump, so the key would be too"
    assert "canary" not in everything
    assert "canary" not in caplog.text
    assert any("Anvils" in text for text in texts)
