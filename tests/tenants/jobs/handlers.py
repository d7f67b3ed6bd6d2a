"""Job kinds for tests of the plain worker."""

from dataclasses import replace

from saas.errors import Invalid, Unavailable
from tenants.billing.meters import Usage
from tenants.jobs.models import Job, Lease
from tenants.jobs.registry import JobKind
from tenants.jobs.worker import Cancelled, Control, Outcome, ShuttingDown

NAMES = ("echo", "refuse", "unavailable", "broken", "cancelled", "stopped")
ECHO = JobKind(
    name="generator.other",
    label="Echo",
    handler=f"{__name__}.echo",
    meters=("prompt_tokens", "completion_tokens"),
)
KINDS = (
    *(replace(ECHO, name=f"generate.{name}", handler=f"{__name__}.{name}") for name in NAMES),
    ECHO,
    replace(ECHO, name="test.once", max_attempts=1),
    replace(ECHO, name="test.batched", queue="generate"),
)


def echo(lease: Lease, control: Control) -> Outcome:
    control.progress(50, "half way")

    def apply(job: Job) -> None:
        assert job.pk == lease.job_id

    return Outcome(
        {"said": lease.payload["say"]},
        Usage({"prompt_tokens": 10, "completion_tokens": 20}, seconds=0.5),
        apply,
    )


def refuse(lease: Lease, control: Control) -> Outcome:
    raise Invalid("This brief cannot be written.")


def unavailable(lease: Lease, control: Control) -> Outcome:
    raise Unavailable("The model is loading.")


def broken(lease: Lease, control: Control) -> Outcome:
    raise ZeroDivisionError("secret detail")


def cancelled(lease: Lease, control: Control) -> Outcome:
    raise Cancelled


def stopped(lease: Lease, control: Control) -> Outcome:
    raise ShuttingDown
