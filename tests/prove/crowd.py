"""Workspaces that ask for jobs, a history of what they were promised, and the checker of it."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from django.db import transaction

from tenants.billing.models import LedgerTransfer, UsageEvent
from tenants.billing.services import balance
from tenants.billing.verify import verify
from tenants.jobs.models import Job
from tenants.jobs.services import job_cancel, job_request
from tenants.models import AuditEvent, Tenant, User
from tenants.scope import tenant_scope
from tenants.services import workspace_create
from tests.prove.kinds import EFFECT, cost_of

SPARE = 1_000


@dataclass
class Crowd:
    """Some workspaces, and every job that was committed for them."""

    tenants: list[Tenant]
    random: Random
    promised: dict[UUID, list[UUID]] = field(default_factory=dict)
    rolled_back: float = 0.1
    cancelled: float = 0.05

    @classmethod
    def gather(cls, count: int, random: Random) -> "Crowd":
        tenants = []
        for number in range(count):
            owner = User.objects.create_user(f"owner{number}@prove.test")
            tenants.append(workspace_create(owner=owner, name=f"Prove {number}"))
        return cls(tenants, random, {tenant.pk: [] for tenant in tenants})

    def ask(self, kind: str = "", **payload: Any) -> Job:
        """One more job; some requests are rolled back and must leave nothing, some cancelled."""
        tenant = self.random.choice(self.tenants)
        kind = kind or self._kind()
        payload = payload or self._payload()
        with tenant_scope(tenant), transaction.atomic():
            estimate = cost_of(kind, payload) + SPARE
            job = job_request(kind=kind, payload=payload, estimate=estimate)
            if self.random.random() < self.rolled_back:
                transaction.set_rollback(True)
                return job
        self.promised[tenant.pk].append(job.pk)
        if self.random.random() < self.cancelled:
            with tenant_scope(tenant):
                job_cancel(job=job)
        return job

    def _kind(self) -> str:
        kinds = ["generate.steps", "generate.stubborn", "generate.flaky", "generate.suicide"]
        return self.random.choices(kinds, weights=[80, 10, 9, 1])[0]

    def _payload(self) -> dict[str, Any]:
        long = self.random.random() < 0.02
        return {"steps": 500 if long else self.random.randint(1, 40), "ms": 20}

    def active(self) -> int:
        return self._sum(lambda: Job.objects.active().count())

    def wait_until_quiet(
        self, seconds: float, meanwhile: Callable[[], None] = lambda: None
    ) -> float:
        """Wait until no job is active; how long that took."""
        begun = time.monotonic()
        while self.active() and time.monotonic() - begun < seconds:
            meanwhile()
            time.sleep(0.5)
        return time.monotonic() - begun

    def _sum(self, count: Callable[[], int]) -> int:
        total = 0
        for tenant in self.tenants:
            with tenant_scope(tenant):
                total += count()
        return total

    def check(self) -> tuple[list[str], Counter[str]]:
        """Everything that is wrong, and how the jobs ended."""
        faults: list[str] = []
        ends: Counter[str] = Counter()
        for tenant in self.tenants:
            with tenant_scope(tenant):
                faults += _check_tenant(set(self.promised[tenant.pk]), ends)
        return faults, ends


def _check_tenant(promised: set[UUID], ends: Counter[str]) -> list[str]:
    jobs = {job.pk: job for job in Job.objects.select_related("reservation")}
    faults = [f"lost: {pk}" for pk in promised - jobs.keys()]
    faults += [f"never asked for: {pk}" for pk in jobs.keys() - promised]
    effects = Counter(AuditEvent.objects.filter(action=EFFECT).values_list("target", flat=True))
    charges = Counter(
        LedgerTransfer.objects.filter(state="posted", job_id__isnull=False).values_list(
            "job_id", flat=True
        )
    )
    usage = dict(UsageEvent.objects.values_list("job_id", "amount"))
    for job in jobs.values():
        ends[job.state] += 1
        ends["tried again"] += job.tries > 1
        done = job.state == Job.State.SUCCEEDED
        cost = cost_of(job.kind, job.payload)
        found = (effects[str(job.pk)], charges[job.pk], usage.get(job.pk))
        if job.active:
            faults.append(f"not at its end: {job.pk} {job.kind} {job.state} try {job.tries}")
        if found != ((1, 1, cost) if done else (0, 0, None)):
            faults.append(f"{job.state} {job.pk}: effects, charges, usage are {found}")
        if job.state == Job.State.DEAD and job.tries < job.max_attempts:
            faults.append(f"given up too early: {job.pk}")
    spent = sum(
        cost_of(job.kind, job.payload) for job in jobs.values() if job.state == Job.State.SUCCEEDED
    )
    if balance().spent_this_month != spent:
        faults.append(f"spent {balance().spent_this_month}, should be {spent}")
    report = verify()
    if report.open_reservations:
        faults.append(f"open reservations: {report.open_reservations}")
    return faults + report.faults
