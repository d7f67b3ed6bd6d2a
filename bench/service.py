"""What Django, the queue and the streams cost around the engine: 32 jobs, a real batch worker.

It leases 32 jobs of 32 workspaces from Postgres, writes them, publishes every token to Valkey
and settles each job, all as the generate worker does, while another process follows the
32 streams as the web server does. The bare engine writes the same prompts to the same lengths.
"Lost" is the share of the bare engine's speed that is missing: by CPU seconds those of the
worker's process, by the wall clock also what the servers and the readers take from it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from bench.database import scratch_database
from bench.measure import Goal, Reached, taken
from bench.mode import Mode
from bench.ours import Writer, prompts, writer

if TYPE_CHECKING:
    from tenants.models import Tenant

STREAMS = 32
TOKENS = 96
TURNS = 5
GOAL = Goal("lost to Django, queue and streaming, 32 streams", 10, 5, " %")
TOPIC = "bench"


def rows(model: Path, mode: Mode) -> Iterator[Reached]:
    options = {"prefix_cache": False}  # no text may gain from one of an earlier turn
    with writer(model, STREAMS, mode.threads, **options) as ours:
        lost, speeds, reading = measured(ours, mode)
    note = f"readers {reading:.2f} CPU s, pump {TOKENS * STREAMS / speeds[0]:.1f} s"
    yield Reached(GOAL, mode.name, 100 * median(lost), *speeds, note)


def measured(ours: Writer, mode: Mode) -> tuple[list[float], tuple[float, float], float]:
    """Shares lost, the speeds with the service and without, the readers' CPU seconds."""
    lost, speeds, reading = [], [], []
    tenants = workspaces()
    for _ in range(TURNS + 1):
        order(tenants)
        with readers(tenants) as read:
            service = taken(lambda: drain(ours)).speed(mode.clock)
        bare = taken(lambda: ours.write(prompts(STREAMS), TOKENS)).speed(mode.clock)
        lost.append(1 - service / bare)
        speeds.append((service, bare))
        reading.append(read.cpu)
    service, bare = (median(column) for column in zip(*speeds[1:], strict=True))
    return lost[1:], (service, bare), median(reading[1:])


def drain(ours: Writer) -> int:
    """All that waits, as the generate worker takes it."""
    from generation.serving.batch_worker import BatchWorker
    from generation.serving.commits import ThreadExecutor
    from generation.serving.job_kinds import QUEUE

    before = ours.written
    taken_in = BatchWorker(ours.engine, QUEUE, clerk=ThreadExecutor()).run()
    written = ours.written - before
    if (taken_in, written) != (STREAMS, STREAMS * TOKENS):
        raise RuntimeError(f"{taken_in} jobs wrote {written} tokens.")
    return written


def order(tenants: list[Tenant]) -> None:
    """A job for each workspace; the streams of those before are forgotten."""
    from generation.serving.job_kinds import CHAT
    from tenants.billing.prices import CREDIT
    from tenants.jobs.services import job_request
    from tenants.scope import tenant_scope

    for tenant, prompt in zip(tenants, prompts(STREAMS), strict=True):
        payload = {
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": TOKENS,
            "min_tokens": TOKENS,
            "expected_tokens": TOKENS,
            "sampling": {"temperature": 0},
            "topic": TOPIC,
        }
        with tenant_scope(tenant):
            job_request(kind=CHAT, payload=payload, estimate=CREDIT)


@dataclass
class Read:
    """What the following process says in the end."""

    cpu: float = 0.0


@contextmanager
def readers(tenants: list[Tenant]) -> Iterator[Read]:
    """Another process that follows every stream to its end."""
    import redis
    from django.conf import settings

    from tenants.jobs.streams import stream_key

    keys = [stream_key(tenant.pk, TOPIC) for tenant in tenants]
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(*keys)
    argv = [sys.executable, "-m", "bench.readers", settings.REDIS_URL, *keys]
    read = Read()
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it is ready
        yield read
        said = json.loads(process.communicate(timeout=60)[0])
    if said["characters"] == 0 or said["ended"] != len(keys):
        raise RuntimeError(f"The readers saw only {said}.")
    read.cpu = said["cpu"]


@cache
def workspaces() -> list[Tenant]:
    """Of a fresh test database; made once, and dropped when the process ends."""
    scratch_database()
    from tenants.models import User
    from tenants.services import workspace_create

    owners = [User.objects.create_user(f"bench{place}@kindling.test") for place in range(STREAMS)]
    return [workspace_create(owner=owner, name="Bench") for owner in owners]
