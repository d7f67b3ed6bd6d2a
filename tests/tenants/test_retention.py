"""Rows that nobody needs for ever are deleted in the end, each workspace's in its own scope."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from tenants import retention
from tenants.idempotency.models import IdempotencyRecord
from tenants.jobs import sweeper
from tenants.jobs.models import Job
from tenants.jobs.services import job_request
from tenants.models import ApiKey, Tenant, User
from tenants.retention import Retention, purge_all
from tenants.scope import no_scope, tenant_scope

pytestmark = pytest.mark.django_db


def job(tenant: Tenant, kind: str, days: int, state: str = "succeeded") -> Job:
    with tenant_scope(tenant):
        made = job_request(kind=kind, payload={}, estimate=0)
        when = timezone.now() - timedelta(days=days)
        finished = None if state == "queued" else when
        Job.objects.filter(pk=made.pk).update(state=state, finished_at=finished)
    return made


def left(tenant: Tenant) -> set[Any]:
    with tenant_scope(tenant):
        return set(Job.objects.values_list("pk", flat=True))


def test_old_answers_are_forgotten_in_every_workspace(acme: Tenant, other: Tenant) -> None:
    old = [job(tenant, "generate.chat", 31) for tenant in (acme, other)]
    young = job(acme, "generate.chat", 29)
    waiting = job(acme, "generate.chat", 31, "queued")
    with no_scope():
        assert purge_all()["jobs"] == len(old)
    assert left(acme) == {young.pk, waiting.pk}
    assert left(other) == set()


def test_operators_say_for_how_long(acme: Tenant, settings: Any) -> None:
    settings.RETENTION = {"jobs": 7}
    job(acme, "generate.chat", 8)
    with no_scope():
        assert purge_all()["jobs"] == 1


def test_work_that_something_refers_to_is_kept(acme: Tenant) -> None:
    kept = job(acme, "generate.variant", 4000)
    with no_scope():
        purge_all()
    assert left(acme) == {kept.pk}


def test_sessions_and_kept_answers_go_when_their_time_is_over(acme: Tenant, alice: User) -> None:
    now = timezone.now()
    for name, days in (("over", -2), ("live", 2)):
        Session.objects.create(session_key=name, expire_date=now + timedelta(days=days))
    with tenant_scope(acme):
        key, _ = ApiKey.issue(name="k", created_by=alice, role="admin", scopes=["read"])
        for number, hours in enumerate((-1, 1)):
            record = IdempotencyRecord(api_key=key, key=str(number), method="POST", path="/")
            record.status, record.expires_at = 200, now + timedelta(hours=hours)
            record.save()
    with no_scope():
        counts = purge_all()
    assert (counts["sessions"], counts["idempotency"]) == (1, 1)
    assert list(Session.objects.values_list("session_key", flat=True)) == ["live"]


def test_the_sweeper_purges_once_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    purged: list[int] = []
    monkeypatch.setattr(sweeper, "purge_all", lambda: purged.append(1))
    for _ in range(3):
        sweeper.purge_if_due()
    assert purged == [1]


def test_two_of_one_name_are_a_mistake() -> None:
    with pytest.raises(ImproperlyConfigured):
        retention.register(Retention("jobs", 1, lambda before: 0))
