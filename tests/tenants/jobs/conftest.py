"""Jobs in Acme's scope, whose notices to workers are only noted."""

from collections.abc import Iterator
from typing import Any

import pytest

from tenants.billing.services import balance
from tenants.jobs import notify
from tenants.jobs.leases import lease
from tenants.jobs.models import Job, Lease
from tenants.jobs.registry import registered
from tenants.jobs.services import job_request
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.tenants.jobs.handlers import KINDS


@pytest.fixture(autouse=True)
def notified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queues whose workers were told."""
    heard: list[str] = []
    monkeypatch.setattr(notify.work, "apply_async", lambda args, **_: heard.append(args[0]))
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
