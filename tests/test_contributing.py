"""CONTRIBUTING.md: its files exist, and the kind of job that it adds does what it says."""

import re
from collections.abc import Iterator
from types import ModuleType

import pytest

from tenants.billing import meters
from tenants.jobs import notify, registry
from tenants.jobs.models import Job
from tenants.models import Tenant
from tenants.scope import no_scope, tenant_scope
from tests.support.source import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text()
PATH = re.compile(r"`([\w.-]+(?:/[\w.-]+)+|[\w-]+\.md)`")
SAMPLE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_every_file_that_it_names_exists() -> None:
    named = PATH.findall(PAGE)
    assert len(named) > 25
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_it_is_one_page() -> None:
    assert len(PAGE.splitlines()) <= 130


@pytest.fixture
def added() -> Iterator[ModuleType]:
    """An app made of the page's samples and nothing else."""
    module = ModuleType("words")
    for sample in SAMPLE.findall(PAGE):
        exec(sample, vars(module))
    module.ready()
    yield module
    del registry._kinds[module.KIND.name], meters._meters[module.METER.name]


@pytest.mark.django_db(transaction=True)
def test_the_kind_of_job_that_it_adds_runs_and_is_charged(
    acme: Tenant, added: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(notify.work, "apply_async", lambda args, **_: told.append(args[0]))
    with tenant_scope(acme):
        job: Job = added.count_request(texts=["a warm lamp", "two words"])
    assert told == ["score"]
    with no_scope():
        notify.work("score")
    with tenant_scope(acme):
        job.refresh_from_db()
        assert (job.state, job.result, job.progress) == ("succeeded", {"words": 5}, 100)
        assert job.cost == 5 * added.METER.price
