"""A worker on several queues serves each, whatever keeps one of them busy."""

import threading

import pytest

from tenants.jobs import lanes
from tenants.jobs.models import Job
from tenants.models import Tenant
from tests.tenants.jobs.conftest import ask

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(lanes, "listened_to", lambda: {"default", "generate"})


def test_short_work_is_done_beside_long_work(scoped: Tenant, listens: None) -> None:
    job = ask()
    done = threading.Event()
    with lanes.others_served("generate"):
        for _ in range(200):
            job.refresh_from_db()
            if job.state == Job.State.SUCCEEDED or done.wait(0.05):
                break
    assert job.state == Job.State.SUCCEEDED


def test_its_own_queue_has_no_second_thread(scoped: Tenant, listens: None) -> None:
    job = ask()
    with lanes.others_served("default"):
        names = {thread.name for thread in threading.enumerate()}
        threading.Event().wait(0.3)
    job.refresh_from_db()
    assert job.state == Job.State.QUEUED
    assert {name for name in names if name.startswith("lane-")} == {"lane-generate"}


def test_a_worker_without_a_choice_of_queues_listens_to_short_work() -> None:
    assert lanes.listened_to() == {"default"}
