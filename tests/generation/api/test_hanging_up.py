"""Whenever a caller goes, its job ends within two seconds and costs what was produced."""

import asyncio
import random
import time

import httpx
import pytest

from tenants.billing.services import balance
from tenants.jobs.models import Job
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.support.api import key_for
from tests.support.live import launched, working

pytestmark = pytest.mark.django_db(transaction=True)

TOKENS = 400
BODY = {
    "model": "echo",
    "max_tokens": TOKENS,
    "messages": [{"role": "user", "content": "word " * TOKENS}],
}
WITHIN_S = 2.0
# To the caller's own clock, on a machine with much else to do; whole the text takes a minute.
PATIENCE_S = 40.0
REST_LOOKS = 10


async def hang_up(client: httpx.AsyncClient, after_s: float, stream: bool) -> None:
    """Ask, and close the connection after so many seconds."""
    try:
        async with asyncio.timeout(after_s):
            async with client.stream(
                "POST", "/v1/chat/completions", json=BODY | {"stream": stream}
            ) as answer:
                async for _line in answer.aiter_lines():
                    pass
    except (TimeoutError, httpx.TransportError):
        return


async def hang_ups(server: str, secret: str, moments: list[float]) -> None:
    async with httpx.AsyncClient(
        base_url=server,
        headers={"Authorization": f"Bearer {secret}"},
        timeout=60,
        limits=httpx.Limits(max_keepalive_connections=0),
    ) as client:
        for start in range(0, len(moments), 10):
            some = moments[start : start + 10]
            await asyncio.gather(
                *(hang_up(client, after_s, place % 2 == 0) for place, after_s in enumerate(some))
            )


def at_work(tenant: Tenant) -> int:
    """Jobs that are not over, or credits set aside for one that is just being asked for."""
    with tenant_scope(tenant):
        return Job.objects.active().count() + balance().reserved


def await_rest(tenant: Tenant) -> None:
    """Until nothing runs and nothing comes any more: a request in hand may still make its job."""
    ends, rested = time.monotonic() + PATIENCE_S, 0
    while rested < REST_LOOKS:
        assert time.monotonic() < ends, f"{at_work(tenant)} run on"
        time.sleep(0.1)
        rested = 0 if at_work(tenant) else rested + 1


def heard_to_its_end(server: str, secret: str) -> float:
    """The control: how long a short text takes that somebody waits for."""
    began = time.monotonic()
    answer = httpx.post(
        f"{server}/v1/chat/completions",
        json=BODY | {"max_tokens": 4},
        headers={"Authorization": f"Bearer {secret}"},
        timeout=60,
    )
    assert answer.json()["usage"]["completion_tokens"] == 4
    return time.monotonic() - began


def hung_up(server: str, tenant: Tenant, count: int, seed: int = 7) -> float:
    """Hang up so often at random moments; the longest that a job ran on after it was stopped."""
    chance, secret = random.Random(seed), key_for(tenant)
    with working(pause_s=0.15, rows=16):
        whole_s = heard_to_its_end(server, secret)
        moments = [2 * whole_s * chance.random() for _ in range(count)]
        asyncio.run(hang_ups(server, secret, moments))
        await_rest(tenant)
    with tenant_scope(tenant):
        control, *jobs = Job.objects.order_by("created_at")
    late = max((seconds_on(job) for job in jobs), default=0.0)
    ran_on = [job.state for job in jobs if job.state != Job.State.CANCELLED]
    print(f"attempts={count} jobs={len(jobs)} failures={len(ran_on)} longest_s={late:.2f}")
    assert control.state == Job.State.SUCCEEDED
    assert ran_on == []
    return late


def seconds_on(job: Job) -> float:
    asked = job.cancel_requested_at or job.finished_at
    return float((job.finished_at - asked).total_seconds())


def test_nothing_runs_on_after_a_caller_hung_up_at_any_moment(server: str, acme: Tenant) -> None:
    hung_up(server, acme, 20)


@pytest.mark.prove
def test_nothing_runs_on_after_two_hundred_hung_up(server: str, acme: Tenant) -> None:
    assert hung_up(server, acme, 200) <= WITHIN_S


@pytest.mark.prove
def test_no_work_outlives_a_web_process_that_is_killed(acme: Tenant) -> None:
    """With -9 it can cancel nothing itself: its subscription ends with its socket."""
    with launched() as (address, process), working(pause_s=0.15):
        client = httpx.Client(headers={"Authorization": f"Bearer {key_for(acme)}"}, timeout=60)
        with client.stream(
            "POST", f"{address}/v1/chat/completions", json=BODY | {"stream": True}
        ) as answer:
            lines = answer.iter_lines()
            assert next(lines).startswith("data:")
            process.kill()
            await_rest(acme)
    with tenant_scope(acme):
        assert [job.state for job in Job.objects.all()] == [Job.State.CANCELLED]
