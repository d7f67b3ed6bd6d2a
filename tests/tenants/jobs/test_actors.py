"""A job is done in the name of whoever asked for it."""

import pytest

from tenants.actors import SYSTEM, Actor, acting, current_actor
from tenants.jobs import worker
from tenants.jobs.leases import StaleLease
from tenants.jobs.models import Job, Lease
from tenants.jobs.registry import JobKind, registered
from tenants.jobs.services import actor_of, recover
from tenants.jobs.worker import Control, Outcome
from tenants.models import ApiKey, Tenant, User
from tenants.scope import no_scope
from tests.tenants.jobs.conftest import ask, start

pytestmark = pytest.mark.django_db(transaction=True)
seen: list[Actor] = []


def look(lease: Lease, control: Control) -> Outcome:
    """Notes who acts while it works, and while its effect is stored."""
    seen.append(current_actor())
    return Outcome({}, apply=lambda job: seen.append(current_actor()))


LOOK = JobKind(name="test.look", label="Look", queue="default", handler=look)


@pytest.fixture
def alices(scoped: Tenant, alice: User) -> Job:
    """Asked for by Alice's key."""
    key, _ = ApiKey.issue(name="Site", scopes=["write"], created_by=alice)
    actor = Actor(user=alice, api_key=key, address="8.8.8.8", request_id="req_1")
    with registered(LOOK), acting(actor):
        return ask("test.look")


def test_the_job_keeps_who_asked(alices: Job, alice: User) -> None:
    stored = Job.objects.get()
    assert (stored.created_by, stored.api_key.name) == (alice, "Site")
    assert (stored.address, stored.request_id) == ("8.8.8.8", "req_1")


def test_handler_and_effect_act_for_them(alices: Job, alice: User) -> None:
    seen.clear()
    with registered(LOOK), no_scope():
        worker.run("default", "test:1")
    assert [(actor.user, actor.address, actor.request_id) for actor in seen] == [
        (alice, "8.8.8.8", "req_1")
    ] * 2
    assert current_actor() == SYSTEM


def test_what_nobody_asked_for_is_done_by_the_system(scoped: Tenant) -> None:
    assert actor_of(start(ask())) == SYSTEM


def test_a_stale_lease_acts_for_nobody(alices: Job) -> None:
    lease = start(alices)
    Job.objects.update(lease_until="2001-01-01T00:00:00Z")
    recover(job_id=alices.pk)
    with pytest.raises(StaleLease):
        actor_of(lease)
