"""Job: the one record of all background work, from the request to its result."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tenants.actors import Actor
from tenants.billing.models import LedgerTransfer
from tenants.jobs.registry import event_tags, topic_of
from tenants.models import ApiKey, User
from tenants.models_base import TenantForeignKey, TenantManager, TenantModel, TenantQuerySet


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a job for a while. Its token is void once another lease was given."""

    tenant_id: UUID
    job_id: UUID
    token: int
    kind: str
    payload: dict[str, Any]
    waited_s: float = 0.0
    weight: int = 1
    request_id: str = ""

    @property
    def log_ids(self) -> dict[str, str]:
        """What log lines about the work carry: its job, and the request that asked for it."""
        return {"job": str(self.job_id), "request_id": self.request_id or "-"}

    @property
    def topic(self) -> str:
        """The topic on which the job's events stream."""
        return topic_of(self.job_id, self.payload)

    @property
    def tags(self) -> dict[str, Any]:
        """What every event of the job carries."""
        return event_tags(self.kind, self.job_id, self.payload)


class JobQuerySet(TenantQuerySet["Job"]):
    """The jobs of the workspace in scope."""

    def active(self) -> "JobQuerySet":
        return self.filter(state__in=Job.ACTIVE)

    def finished(self) -> "JobQuerySet":
        return self.filter(finished_at__isnull=False)

    def of_kind(self, kind: str) -> "JobQuerySet":
        """Jobs of this kind; "generate" also finds "generate.variant"."""
        return self.filter(Q(kind=kind) | Q(kind__startswith=f"{kind}."))

    def overdue(self) -> "JobQuerySet":
        """Running jobs whose worker stopped renewing its lease."""
        return self.filter(state=Job.State.RUNNING, lease_until__lt=Now())

    def held(self, lease: Lease) -> "JobQuerySet":
        """The leased job, as long as nobody else was given it."""
        rows = self.filter(pk=lease.job_id, state=Job.State.RUNNING, attempt=lease.token)
        return rows.select_related("reservation", "created_by", "api_key")

    def locked(self) -> "JobQuerySet":
        """Lock the rows in one order, so that two callers cannot wait for each other."""
        return self.select_for_update().order_by("pk")


JobManager = TenantManager.from_queryset(JobQuerySet)


class Job(TenantModel):
    """A piece of background work. Celery only says that there is some; this row says what."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        DEAD = "dead", _("Given up")

    ACTIVE: ClassVar = (State.QUEUED, State.RUNNING)

    kind = models.CharField(max_length=60)
    queue = models.CharField(max_length=30, default="default")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    # Counts leases and is their fencing token: a worker with an older one can commit nothing.
    attempt = models.PositiveIntegerField(default=0)
    # Leases given back in good order, which do not count as failed attempts.
    handed_back = models.PositiveIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    due_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_owner = models.CharField(max_length=120, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    progress = models.PositiveSmallIntegerField(default=0)
    note = models.CharField(max_length=200, blank=True)
    payload = models.JSONField(default=dict)
    input_sha256 = models.CharField(max_length=64)
    result = models.JSONField(default=dict)
    # What it was charged in the end, in micro-credits.
    cost = models.BigIntegerField(null=True, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_detail = models.CharField(max_length=500, blank=True)
    reservation = TenantForeignKey(
        LedgerTransfer, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    api_key = TenantForeignKey(
        ApiKey, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # From where, and in which request, it was asked for.
    address = models.GenericIPAddressField(null=True, blank=True)
    request_id = models.CharField(max_length=40, blank=True)
    parent = TenantForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    enqueued_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = JobManager()

    class Meta(TenantModel.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state="running",
                    lease_until__isnull=False,
                    heartbeat_at__isnull=False,
                    started_at__isnull=False,
                )
                & ~Q(lease_owner="")
                | ~Q(state="running") & Q(lease_until=None, lease_owner=""),
                name="job_leased_while_running",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"], finished_at=None)
                | Q(
                    state__in=["succeeded", "failed", "cancelled", "dead"],
                    finished_at__isnull=False,
                ),
                name="job_finished_at_its_end",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["failed", "dead"]) | ~Q(error_code=""),
                name="job_failure_has_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(attempt__lte=F("max_attempts") + F("handed_back")),
                name="job_attempts_bounded",
            ),
            models.CheckConstraint(condition=Q(progress__lte=100), name="job_progress_percent"),
        ]
        indexes = [
            models.Index(
                fields=["queue", "tenant", "id"],
                condition=Q(state="queued"),
                name="job_waiting",
            ),
            models.Index(fields=["queue", "due_at"], condition=Q(state="queued"), name="job_due"),
            models.Index(
                fields=["queue", "tenant"], condition=Q(state="running"), name="job_running"
            ),
            models.Index(fields=["tenant"], condition=Q(state="running"), name="job_running_now"),
            models.Index(
                fields=["lease_until"], condition=Q(state="running"), name="job_lease_ends"
            ),
            models.Index(fields=["tenant", "-created_at"], name="job_newest"),
            # Few beside those that are over: the shell of every page counts them.
            models.Index(
                fields=["tenant", "-created_at"],
                condition=Q(state__in=["queued", "running"]),
                name="job_active",
            ),
            models.Index(
                fields=["tenant", "-finished_at"],
                condition=Q(finished_at__isnull=False),
                name="job_finished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.state})"

    @property
    def topic(self) -> str:
        """The topic on which the job's events stream."""
        return topic_of(self.pk, self.payload)

    @property
    def tags(self) -> dict[str, Any]:
        """What every event of the job carries."""
        return event_tags(self.kind, self.pk, self.payload)

    @property
    def actor(self) -> Actor:
        """Whoever asked for it, in whose name it is done."""
        return Actor(self.created_by, self.api_key, self.address or "", self.request_id)

    @property
    def active(self) -> bool:
        return self.state in self.ACTIVE

    @property
    def tries(self) -> int:
        """Attempts that count: all but those a stopping worker handed back."""
        return self.attempt - self.handed_back

    @property
    def cancelling(self) -> bool:
        return self.state == self.State.RUNNING and self.cancel_requested_at is not None
