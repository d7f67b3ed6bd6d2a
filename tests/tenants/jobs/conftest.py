"""Jobs in Acme's scope, whose notices to workers are only noted."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.conf import settings

from saas.outages import Breaker
from tenants.billing.services import balance
from tenants.jobs import notify
from tenants.jobs.leases import lease
from tenants.jobs.models import Job, Lease
from tenants.jobs.registry import registered
from tenants.jobs.services import job_request
from tenants.jobs.streams import stream_key
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.tenants.jobs.handlers import KINDS


@pytest.fixture(autouse=True)
def notified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queues whose workers were told."""
    heard: list[str] = []
    monkeypatch.setattr(notify.work, "apply_async", lambda args, **_: heard.append(args[0]))
    monkeypatch.setattr(notify, "_broker", Breaker(rest_s=3.0))
    return heard


@pytest.fixture(autouse=True)
def _kinds() -> Iterator[None]:
    with registered(*KINDS):
        yield


@pytest.fixture
def scoped(acme: Tenant) -> Iterator[Tenant]:
    with tenant_scope(acme):
        balance()
        yield acme


def ask(kind: str = "generate.echo", **more: Any) -> Job:
    return job_request(kind=kind, payload={"say": "hello"}, **{"estimate": 100_000, **more})


def start(job: Job) -> Lease:
    taken = lease(tenant_id=job.tenant_id, job_id=job.pk, owner="test:1")
    assert taken is not None
    return taken


def stream_of(job: Job) -> list[tuple[str, dict[str, Any]]]:
    """The names and data of all the job's events."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        found = client.xrange(stream_key(job.workspace_id, job.topic))
    return [(fields[b"e"].decode(), json.loads(fields[b"d"])) for _, fields in found]
