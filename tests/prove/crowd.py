"""Workspaces that ask for jobs, a history of what they were promised, and the checker of it."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from django.db import transaction

from saas.outages import AWAY
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
    poisoned: float = 0.01
    flaky: float = 0.1
    # Their commit was never acknowledged: both there and not there are right.
    unsure: set[UUID] = field(default_factory=set)

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
        with tenant_scope(tenant), self.noted() as made, transaction.atomic():
            estimate = cost_of(payload) + SPARE
            job = job_request(kind=kind, payload=payload, estimate=estimate)
            made.append(job.pk)
            if self.random.random() < self.rolled_back:
                transaction.set_rollback(True)
                return job
        self.promised[tenant.pk].append(job.pk)
        if self.random.random() < self.cancelled:
            with tenant_scope(tenant):
                job_cancel(job=job)
        return job

    @contextmanager
    def noted(self) -> Iterator[list[UUID]]:
        """Note the block's jobs as unsure where its end is not known."""
        made: list[UUID] = []
        try:
            yield made
        except AWAY:
            self.unsure.update(made)
            raise

    def _kind(self) -> str:
        kinds = ["generate.steps", "generate.stubborn", "generate.flaky", "generate.suicide"]
        return self.random.choices(kinds, weights=[0.8, 0.1, self.flaky, self.poisoned])[0]

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
                jobs = list(Job.objects.select_related("reservation"))
                faults += _lost(
                    set(self.promised[tenant.pk]), {job.pk for job in jobs} - self.unsure
                )
                faults += _books(jobs)
                evidence = Evidence.gather()
                for job in jobs:
                    ends[job.state] += 1
                    ends["tried again"] += job.tries > 1
                    ends["handed back"] += job.handed_back
                    faults += _end(job)
                    faults += [f"{job.state} {job.pk}: {why}" for why in self.odd(job, evidence)]
        return faults, ends

    def odd(self, job: Job, evidence: "Evidence") -> Iterator[str]:
        """What does not fit the way in which the job ended."""
        done = job.state == Job.State.SUCCEEDED
        event = evidence.usage.get(job.pk)
        found = (evidence.effects[str(job.pk)], evidence.charges[job.pk], event and event.amount)
        if found != ((1, 1, cost_of(job.payload)) if done else (0, 0, None)):
            yield f"effects, charges, cost are {found}"


@dataclass
class Evidence:
    """What the jobs of the workspace in scope left behind, counted."""

    effects: Counter[str]
    charges: Counter[UUID]
    usage: dict[UUID, UsageEvent]

    @classmethod
    def gather(cls) -> "Evidence":
        effects = AuditEvent.objects.filter(name=EFFECT).values_list("subject_id", flat=True)
        posted = LedgerTransfer.objects.filter(state="posted", job_id__isnull=False)
        usage = {UUID(event.source_id): event for event in UsageEvent.objects.all()}
        return cls(Counter(effects), Counter(posted.values_list("job_id", flat=True)), usage)


def _lost(promised: set[UUID], found: set[UUID]) -> Iterator[str]:
    yield from (f"lost: {pk}" for pk in promised - found)
    yield from (f"never committed: {pk}" for pk in found - promised)


def _end(job: Job) -> Iterator[str]:
    if job.active:
        yield f"not at its end: {job.pk} {job.kind} {job.state} try {job.tries}"
    if job.state == Job.State.DEAD and job.tries < job.max_attempts:
        yield f"given up too early: {job.pk}"


def _books(jobs: list[Job]) -> Iterator[str]:
    report = verify()
    yield from report.faults
    if report.open_reservations:
        yield f"open reservations: {report.open_reservations}"
    spent, noted = balance().spent_this_month, UsageEvent.objects.all()
    if spent != sum(event.amount for event in noted):
        yield f"{spent} were charged, the usage says otherwise"
    if strangers := {UUID(event.source_id) for event in noted} - {job.pk for job in jobs}:
        yield f"usage of unknown jobs: {strangers}"
