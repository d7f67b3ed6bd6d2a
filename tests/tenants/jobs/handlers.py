"""Job kinds for tests of the plain worker."""

from saas.errors import Invalid, Unavailable
from tenants.billing.meters import Usage
from tenants.jobs.models import Job, Lease
from tenants.jobs.registry import JobKind
from tenants.jobs.worker import Cancelled, Control, Outcome, ShuttingDown

NAMES = ("echo", "refuse", "unavailable", "broken", "cancelled", "stopped")
KINDS = (
    *(
        JobKind(name=f"generate.{name}", label=f"Test {name}", handler=f"{__name__}.{name}")
        for name in NAMES
    ),
    JobKind(name="generator.other", label="Other", handler=f"{__name__}.echo"),
    JobKind(name="test.once", label="Once", handler=f"{__name__}.echo", max_attempts=1),
    JobKind(name="test.batched", label="Batched", queue="generate", handler=f"{__name__}.echo"),
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
