"""From briefs to the jobs that write them: one brief and hundreds take the same few statements."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from generation.models import Brief, Variant
from generation.serving.job_kinds import WRITE
from generation.serving.routing import ModelChoice, resolve_model
from generation.writers.writer import Estimate
from tenants.billing.prices import price
from tenants.jobs.services import JobOrder, jobs_request


@transaction.atomic
def variants_order(*, variants: Sequence[Variant], briefs: Sequence[Brief] = ()) -> None:
    """Store new variants, and their briefs where those are new, and have them written.

    All or none: raises QueueFull and InsufficientCredits before anything is stored.
    """
    request_jobs(variants)
    Brief.objects.bulk_create(briefs)
    Variant.objects.bulk_create(variants)


def request_jobs(variants: Sequence[Variant]) -> None:
    """Reserve the variants' credits and queue the jobs that write them; each is told its own."""
    choice = resolve_model()
    writings = {brief: Writing.of(brief, choice) for brief in {each.brief for each in variants}}
    orders = [writings[variant.brief].order(variant) for variant in variants]
    jobs = jobs_request(orders=orders)
    for variant, job in zip(variants, jobs, strict=True):
        variant.job = job


@dataclass(frozen=True, slots=True)
class Writing:
    """How a brief's variants are written, and what each may cost at most."""

    choice: ModelChoice
    writer: str
    expected_tokens: int
    price: int

    @classmethod
    def of(cls, brief: Brief, choice: ModelChoice) -> "Writing":
        writer = choice.writer_for(brief.kind_spec)
        estimate = writer.estimate_tokens(brief.kind_spec, brief.data())
        most = brief_price(estimate) if choice.charged else 0
        return cls(choice, writer.name, estimate.completion_tokens, most)

    def order(self, variant: Variant) -> JobOrder:
        brief = variant.brief
        payload = {
            "variant": str(variant.pk),
            "topic": brief.stream,
            "brief": str(brief.pk),
            "title": brief.title,
            "expected_tokens": self.expected_tokens,
            "writer": self.writer,
            **self.choice.payload,
        }
        return JobOrder(WRITE, payload, self.price)


def most_costs(briefs: Sequence[Brief]) -> list[int]:
    """The most that one variant of each brief can cost now, in micro-credits."""
    choice = resolve_model()
    return [Writing.of(brief, choice).price for brief in briefs]


def brief_price(estimate: Estimate) -> int:
    """The most that one variant of a brief can cost, in micro-credits."""
    return price(
        {
            "prompt_tokens": estimate.prompt_tokens,
            "completion_tokens": estimate.completion_tokens,
        }
    )
