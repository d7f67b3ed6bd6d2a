"""The drawer of running work, the list, and stopping a job from there."""

import pytest
from django.db.models.functions import Now
from django.test import Client

from tenants.billing.services import balance
from tenants.jobs.models import Job
from tenants.jobs.services import fail, finish, jobs_running
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.tenants.jobs.conftest import ask, start

pytestmark = pytest.mark.django_db


def make(tenant: Tenant, **more: object) -> Job:
    with tenant_scope(tenant):
        return ask("generate.variant", **more)


def test_the_drawer_asks_again_while_work_runs(client: Client, bob: User, acme: Tenant) -> None:
    job = make(acme)
    client.force_login(bob)
    drawer = client.get("/w/acme/jobs/drawer").content.decode()
    assert 'hx-trigger="every 3s"' in drawer
    assert f'id="job-{job.pk}"' in drawer
    assert "Writing copy" in drawer
    assert 'id="jobs-button"' in drawer


def test_a_quiet_drawer_does_not_ask_again(client: Client, bob: User) -> None:
    client.force_login(bob)
    drawer = client.get("/w/acme/jobs/drawer").content.decode()
    assert "Nothing is running" in drawer
    assert "hx-trigger" not in drawer


def test_a_running_job_shows_its_progress(client: Client, bob: User, acme: Tenant) -> None:
    job = make(acme)
    with tenant_scope(acme):
        start(job)
        Job.objects.update(progress=40, note="Section 2 of 5", heartbeat_at=Now())
    client.force_login(bob)
    row = client.get(f"/w/acme/jobs/{job.pk}/status").content.decode()
    assert 'value="40"' in row
    assert "Section 2 of 5" in row


def test_a_failed_job_says_why(client: Client, bob: User, acme: Tenant) -> None:
    job = make(acme)
    with tenant_scope(acme):
        fail(start(job), code="invalid", detail="The brief is empty.", retry=False)
    client.force_login(bob)
    row = client.get(f"/w/acme/jobs/{job.pk}/status").content.decode()
    assert "The brief is empty." in row
    assert "hx-post" not in row


def test_editors_stop_work_and_get_the_credits_back(
    client: Client, bob: User, acme: Tenant
) -> None:
    job = make(acme)
    client.force_login(bob)
    answer = client.post(f"/w/acme/jobs/{job.pk}/cancel")
    assert answer.status_code == 200
    assert "Cancelled" in answer.content.decode()
    with tenant_scope(acme):
        assert balance().reserved == 0


def test_viewers_do_not_stop_work(client: Client, victor: User, acme: Tenant) -> None:
    job = make(acme)
    client.force_login(victor)
    assert "hx-post" not in client.get("/w/acme/jobs/").content.decode()
    assert client.post(f"/w/acme/jobs/{job.pk}/cancel").status_code == 403
    with tenant_scope(acme):
        job.refresh_from_db()
    assert job.state == "queued"


@pytest.mark.parametrize("address", ["drawer", "", "{pk}/status"])
def test_outsiders_see_nothing(address: str, client: Client, charlie: User, acme: Tenant) -> None:
    job = make(acme)
    client.force_login(charlie)
    assert client.get(f"/w/acme/jobs/{address.format(pk=job.pk)}").status_code == 404


def test_a_foreign_job_is_not_found(
    client: Client, charlie: User, acme: Tenant, other: Tenant
) -> None:
    job = make(acme)
    client.force_login(charlie)
    assert client.get(f"/w/other/jobs/{job.pk}/status").status_code == 404
    assert client.post(f"/w/other/jobs/{job.pk}/cancel").status_code == 404
    with tenant_scope(acme):
        assert job_state(job) == "queued"


def job_state(job: Job) -> str:
    job.refresh_from_db()
    return job.state


def test_the_list_can_show_what_runs_and_what_ended(
    client: Client, bob: User, acme: Tenant
) -> None:
    waiting, ended = make(acme), make(acme)
    with tenant_scope(acme):
        finish(start(ended), result={})
        assert jobs_running() == 1
    client.force_login(bob)
    found = {}
    for show in ("", "active", "finished", "nonsense"):
        page = client.get("/w/acme/jobs/", {"show": show}).content.decode()
        found[show] = [job for job in (waiting, ended) if f"job-{job.pk}" in page]
    both = [waiting, ended]
    assert found == {"": both, "active": [waiting], "finished": [ended], "nonsense": both}


def test_a_job_links_to_the_page_of_its_result(client: Client, bob: User, acme: Tenant) -> None:
    job = make(acme)
    with tenant_scope(acme):
        Job.objects.update(payload={"title": "Spring <sale>", "brief": str(job.pk)})
    client.force_login(bob)
    page = client.get("/w/acme/jobs/").content.decode()
    assert f'href="/w/acme/briefs/{job.pk}/"' in page
    assert "Spring &lt;sale&gt;" in page
