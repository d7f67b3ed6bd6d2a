"""A kind of job that an app outside of the project adds, all of it in this file.

It queues, runs, streams its progress, is cancelled, charged by a meter of its own, and shown in
the drawer, in usage and by the API; nothing else knows it.
"""

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.apps import AppConfig
from django.db import connection
from django.test import AsyncClient, Client
from rest_framework.test import APIClient

from tenants.billing import meters
from tenants.billing.meters import Meter
from tenants.billing.services import balance
from tenants.jobs import notify, registry
from tenants.jobs.models import Job, Lease
from tenants.jobs.registry import JobKind
from tenants.jobs.services import job_request
from tenants.jobs.worker import Cancelled, Control, Outcome
from tenants.models import Tenant, User
from tenants.scope import no_scope, tenant_scope
from tests.support.api import client_for
from tests.support.source import sources

pytestmark = pytest.mark.django_db(transaction=True)

GEM = Meter("gems_polished", label="Gems polished", price=250_000)
begun = threading.Event()


def polish(lease: Lease, control: Control) -> Outcome:
    """Polish the gems one after the other; those that are done when it is cancelled are paid."""
    gems: int = lease.payload["gems"]
    for done in range(1, gems + 1):
        if lease.payload.get("endless"):
            begun.set()
            _until_cancelled(control, done)
        control.publish("gem", number=done)
        control.progress(100 * done // gems, f"{done} of {gems}")
    return Outcome({"polished": gems}, {GEM.name: gems}, _note)


def _until_cancelled(control: Control, done: int) -> None:
    try:
        while True:
            control.progress(1)
            threading.Event().wait(0.05)
    except Cancelled as stop:
        raise Cancelled(Outcome({}, {GEM.name: done})) from stop


def _note(job: Job) -> None:
    """An effect that is stored in the same transaction."""
    Job.objects.filter(pk=job.pk).update(note="They shine.")


class GemsConfig(AppConfig):
    """The app: all that it has to say is said when it is ready."""

    name = __name__
    label = "gems"

    def ready(self) -> None:
        meters.register(GEM)
        registry.register(
            JobKind(
                name="gems.polish",
                label="Polishing gems",
                queue="score",
                handler=f"{__name__}.polish",
                page="job-status",
                page_key="order",
                meters=(GEM.name,),
                tags=("mine",),
                messages={"rough": "The gems are too rough."},
            )
        )


@pytest.fixture(autouse=True)
def _installed() -> Iterator[None]:
    GemsConfig(__name__, sys.modules[__name__]).ready()
    begun.clear()
    yield
    del registry._kinds["gems.polish"], meters._meters[GEM.name]


def order(tenant: Tenant, gems: int = 4, **more: Any) -> Job:
    with tenant_scope(tenant):
        payload = {"gems": gems, "title": "The queen's gems", "mine": "north", **more}
        return job_request(kind="gems.polish", payload=payload, estimate={GEM.name: gems})


def work() -> None:
    """What a worker of the queue does when it is told that there is work."""
    with no_scope():
        notify.work("score")


def spent(tenant: Tenant) -> tuple[int, int]:
    with tenant_scope(tenant):
        return balance().spent_this_month, balance().reserved


def test_it_waits_on_its_queue_with_its_price_set_aside(acme: Tenant, notified: list[str]) -> None:
    job = order(acme)
    assert (job.queue, job.state, notified) == ("score", "queued", ["score"])
    assert spent(acme) == (0, 4 * GEM.price)


def test_it_runs_and_is_charged_by_its_own_meter(acme: Tenant) -> None:
    job = order(acme)
    work()
    with tenant_scope(acme):
        job.refresh_from_db()
        assert (job.state, job.result, job.cost) == ("succeeded", {"polished": 4}, 4 * GEM.price)
        assert job.note == "They shine."
    assert spent(acme) == (4 * GEM.price, 0)


def test_its_progress_streams_to_a_page(acme: Tenant, bob: User) -> None:
    job = order(acme, gems=2)
    about = {"job": str(job.pk), "mine": "north"}

    async def listen() -> list[tuple[str, dict[str, Any]]]:
        client = AsyncClient()
        await client.aforce_login(bob)
        answer = await client.get(f"/w/acme/jobs/{job.pk}/stream")
        doing = asyncio.create_task(in_thread(work))
        async with asyncio.timeout(20):
            body = b"".join([chunk async for chunk in answer.streaming_content]).decode()
        await doing
        return list(events(body))

    heard = copy_context().run(async_to_sync(listen))
    assert heard[:2] == [
        ("gem", {**about, "number": 1}),
        ("progress", {**about, "percent": 50, "note": "1 of 2"}),
    ]
    assert heard[-2][0] == "progress"
    assert heard[-1] == ("done", {**about, "state": "succeeded"})


def events(body: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for block in body.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines())
        if "event" in lines:
            yield lines["event"], json.loads(lines["data"])


async def in_thread(step: Callable[[], None]) -> None:
    def run() -> None:
        try:
            step()
        finally:
            connection.close()

    await sync_to_async(run, thread_sensitive=False)()


def test_it_is_cancelled_in_the_middle_and_what_is_done_is_paid(
    client: Client, acme: Tenant, bob: User
) -> None:
    job = order(acme, endless=True)
    worker = threading.Thread(target=lambda: (work(), connection.close()))
    worker.start()
    assert begun.wait(10)
    client.force_login(bob)
    assert client.post(f"/w/acme/jobs/{job.pk}/cancel").status_code == 200
    worker.join(10)
    assert not worker.is_alive()
    with tenant_scope(acme):
        job.refresh_from_db()
    assert job.state == "cancelled"
    assert spent(acme) == (GEM.price, 0)


def test_the_drawer_and_usage_call_it_by_its_name(
    client: Client, acme: Tenant, bob: User, alice: User
) -> None:
    job = order(acme, order="01890000-0000-7000-8000-000000000001")
    client.force_login(bob)
    drawer = client.get("/w/acme/jobs/drawer").content.decode()
    assert "Polishing gems" in drawer
    assert "The queen&#x27;s gems" in drawer
    assert 'href="/w/acme/jobs/01890000-0000-7000-8000-000000000001/status"' in drawer
    work()
    usage = client.get("/w/acme/usage/").content.decode()
    assert "Polishing gems" in usage
    assert "Gems polished" in usage
    assert f'id="job-{job.pk}"' in client.get("/w/acme/jobs/").content.decode()


def test_the_api_lists_it_and_cancels_it(acme: Tenant) -> None:
    job = order(acme)
    api: APIClient = client_for(acme, ["read", "write"])
    (listed,) = api.get("/api/v1/jobs/", {"kind": "gems"}).json()["data"]
    assert (listed["id"], listed["kind"], listed["state"]) == (str(job.pk), "gems.polish", "queued")
    assert api.post(f"/api/v1/jobs/{job.pk}/cancel/").json()["state"] == "cancelled"
    assert spent(acme) == (0, 0)


def test_no_other_file_knows_it() -> None:
    knowing = [source.path for source in sources() if "gems" in source.text]
    assert knowing == []
