"""A crowd that has real copy written: briefs, variants, a batch worker on a slow echo engine."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from django.db import transaction

from generation.engine.echo import EchoEngine
from generation.engine.types import Event
from generation.models import Brand, Variant
from generation.services import brief_request
from generation.services.demo import BRAND, BRIEFS
from generation.serving.batch_worker import BatchWorker
from generation.serving.commits import ThreadExecutor
from tenants.billing.prices import price
from tenants.jobs.models import Job
from tenants.jobs.services import job_cancel
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.prove.crowd import Crowd, Evidence

STEP_SECONDS = 0.02
ENDS = {
    Job.State.SUCCEEDED: Variant.State.READY,
    Job.State.CANCELLED: Variant.State.STOPPED,
    Job.State.FAILED: Variant.State.FAILED,
    Job.State.DEAD: Variant.State.FAILED,
}


class SlowEcho(EchoEngine):
    """Takes as long for a step as a small model does, so that kills meet it at work."""

    def step(self) -> list[Event]:
        time.sleep(STEP_SECONDS)
        return super().step()


def run(queue: str, owner: str) -> None:
    """The generate queue's worker in proofs: the real batch worker on the slow engine."""
    BatchWorker(SlowEcho(), queue, owner, ThreadExecutor()).run()


@dataclass
class Copywriters(Crowd):
    """Workspaces that order copy of every short kind."""

    @classmethod
    def gather(cls, count: int, random: Random) -> "Copywriters":
        made = super().gather(count, random)
        for tenant in made.tenants:
            with tenant_scope(tenant):
                Brand.objects.create(**BRAND)
        return cls(made.tenants, random, made.promised)

    def ask(self, kind: str = "", **payload: Any) -> Job:
        tenant = self.random.choice(self.tenants)
        with tenant_scope(tenant), self.noted() as made, transaction.atomic():
            variants = self._order()
            made += [variant.job_id for variant in variants]
            if self.random.random() < self.rolled_back:
                transaction.set_rollback(True)
                return variants[0].job
        self.promised[tenant.pk] += [variant.job_id for variant in variants]
        self._cancel(tenant, variants[-1].job)
        return variants[0].job

    def _order(self) -> list[Variant]:
        kind, _, fields = self.random.choice(BRIEFS)
        count = self.random.randint(1, 3)
        brand = Brand.objects.get()
        brief = brief_request(kind=kind, fields=fields, brand=brand, variants=count)
        return list(brief.variants.select_related("job"))

    def _cancel(self, tenant: Tenant, job: Job) -> None:
        if self.random.random() < self.cancelled:
            with tenant_scope(tenant):
                job_cancel(job=job)

    def odd(self, job: Job, evidence: Evidence) -> Iterator[str]:
        variant = Variant.objects.get(job=job)
        if variant.state != ENDS.get(job.state):
            yield f"its variant is {variant.state}"
        if (variant.state == Variant.State.READY) != bool(variant.model_text):
            yield "text without success, or success without text"
        event = evidence.usage.get(job.pk)
        if event is None:
            if job.state == Job.State.SUCCEEDED or evidence.charges[job.pk]:
                yield "no usage"
            return
        cost = min(price(event.usage), job.reservation.amount)
        if (event.amount, evidence.charges[job.pk]) != (cost, int(cost > 0)):
            yield f"{event.amount} in {evidence.charges[job.pk]} charges for {event.usage}"
