"""The pump: jobs go through the engine, tokens to the stream, ends to Postgres."""

import json
from typing import Any

import pytest
import redis
from django.conf import settings

from generation.engine.echo import EchoEngine
from generation.job_kinds import CHAT, QUEUE
from generation.pump import Pump
from generation.streams import stream_key
from tenants.billing.prices import CREDIT
from tenants.billing.services import balance
from tenants.jobs.models import Job
from tenants.jobs.services import job_cancel, job_request
from tenants.models import Tenant
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db(transaction=True)


def chat(tenant: Tenant, text: str = "Say hello", **payload: Any) -> Job:
    with tenant_scope(tenant):
        return job_request(
            kind=CHAT,
            payload={"messages": [{"role": "user", "content": text}], "max_tokens": 16, **payload},
            estimate=CREDIT,
            queue=QUEUE,
        )


def pump() -> None:
    Pump(EchoEngine(), QUEUE).run()


def again(job: Job) -> Job:
    with tenant_scope(job.tenant_id):
        return Job.objects.get(pk=job.pk)


def events(job: Job) -> list[tuple[str, dict[str, Any]]]:
    key = stream_key(job.tenant_id, f"job:{job.pk}")
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        return [(f[b"e"].decode(), json.loads(f[b"d"])) for _, f in client.xrange(key)]


def test_it_answers_jobs_of_several_tenants_and_charges_each(acme: Tenant, other: Tenant) -> None:
    jobs = [chat(acme), chat(other), chat(acme)]
    pump()
    assert [again(job).state for job in jobs] == [Job.State.SUCCEEDED] * 3
    for tenant in (acme, other):
        with tenant_scope(tenant):
            assert balance().reserved == 0
            assert balance().spent_this_month > 0


def test_the_stream_holds_the_whole_answer(acme: Tenant) -> None:
    job = chat(acme)
    pump()
    names = [name for name, _ in events(job)]
    text = "".join(data["text"] for name, data in events(job) if name == "token")
    assert text == again(job).result["choices"][0]["text"]
    assert names[0] == "section"
    assert names[-2:] == ["usage", "done"]


def test_a_cancelled_job_ends_and_releases_its_credits(acme: Tenant) -> None:
    job = chat(acme)
    with tenant_scope(acme):
        job_cancel(job=job)
    pump()
    assert again(job).state == Job.State.CANCELLED
    with tenant_scope(acme):
        assert balance().reserved == 0
    assert events(job)[-1] == ("done", {"state": "cancelled"})


def test_a_request_outside_its_limits_fails_alone(acme: Tenant) -> None:
    bad, good = chat(acme, max_tokens=0), chat(acme)
    pump()
    assert again(bad).state == Job.State.FAILED
    assert again(good).state == Job.State.SUCCEEDED
