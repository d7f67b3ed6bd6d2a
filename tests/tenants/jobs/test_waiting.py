"""A caller of the API waits for a job's end in one request."""

import threading
import time
from typing import Any

import pytest
from django.db import connection

from tenants.jobs.models import Job
from tenants.jobs.services import finish
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.support.api import client_for
from tests.tenants.jobs.conftest import ask, start

pytestmark = pytest.mark.django_db(transaction=True)


def read(acme: Tenant, alice: User, job: Job, **query: Any) -> Any:
    return client_for(acme, by=alice).get(f"/api/v1/jobs/{job.pk}/", query)


def test_the_answer_comes_once_the_job_is_over(scoped: Tenant, alice: User) -> None:
    job = ask()

    def work() -> None:
        time.sleep(0.5)
        with tenant_scope(scoped):
            finish(start(job), result={"words": 2})
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    began = time.monotonic()
    answer = read(scoped, alice, job, wait=30)
    assert 0.4 < time.monotonic() - began < 10
    thread.join()
    assert (answer.json()["state"], answer.json()["result"]) == ("succeeded", {"words": 2})


def test_it_waits_no_longer_than_asked(scoped: Tenant, alice: User) -> None:
    job = ask()
    began = time.monotonic()
    assert read(scoped, alice, job, wait=1).json()["state"] == "queued"
    assert 0.9 < time.monotonic() - began < 5


def test_what_is_over_is_answered_at_once(scoped: Tenant, alice: User) -> None:
    job = ask()
    finish(start(job), result={})
    began = time.monotonic()
    assert read(scoped, alice, job, wait=30).json()["state"] == "succeeded"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("wait", ["31", "-1", "soon", "1e3", "²"])
def test_a_wait_that_cannot_be_is_refused(scoped: Tenant, alice: User, wait: str) -> None:
    answer = read(scoped, alice, ask(), wait=wait)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")


def test_where_valkey_is_away_it_does_not_wait(scoped: Tenant, alice: User, settings: Any) -> None:
    job = ask()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    began = time.monotonic()
    assert read(scoped, alice, job, wait=30).json()["state"] == "queued"
    assert time.monotonic() - began < 5
