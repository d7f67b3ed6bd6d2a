"""Job kinds for tests of the plain worker."""

from saas.errors import Invalid, Unavailable
from tenants.billing.prices import Usage
from tenants.jobs.models import Job, Lease
from tenants.jobs.worker import Cancelled, Control, Outcome, Stopping

KINDS = {
    f"generate.{name}": f"{__name__}.{name}"
    for name in ("echo", "refuse", "unavailable", "broken", "cancelled", "stopped")
}


def echo(lease: Lease, control: Control) -> Outcome:
    control.progress(50, "half way")

    def apply(job: Job) -> None:
        assert job.pk == lease.job_id

    return Outcome({"said": lease.payload["say"]}, Usage(10, 20, 0.5), apply)


def refuse(lease: Lease, control: Control) -> Outcome:
    raise Invalid("This brief cannot be written.")


def unavailable(lease: Lease, control: Control) -> Outcome:
    raise Unavailable("The model is loading.")


def broken(lease: Lease, control: Control) -> Outcome:
    raise ZeroDivisionError("secret detail")


def cancelled(lease: Lease, control: Control) -> Outcome:
    raise Cancelled


def stopped(lease: Lease, control: Control) -> Outcome:
    raise Stopping
