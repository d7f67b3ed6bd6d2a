"""A process works only once tenants are seen to be isolated, and ends where they are not."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from tenants import isolation_watch
from tenants.isolation_watch import IsolationWatch

BROKEN = "The app runs as root."


@pytest.fixture
def ended() -> list[str]:
    return []


@pytest.fixture
def watch(ended: list[str], monkeypatch: pytest.MonkeyPatch) -> IsolationWatch:
    monkeypatch.setattr(isolation_watch, "RETRY_S", 0.01)
    monkeypatch.setattr(isolation_watch, "missing_tables", list)
    return IsolationWatch(lambda: ended.append("ended"))


def answers(monkeypatch: pytest.MonkeyPatch, *found: Exception | None) -> None:
    """What Postgres says, one look after the other."""
    left = iter(found)

    def look() -> None:
        if error := next(left):
            raise error

    monkeypatch.setattr(isolation_watch, "assert_isolation", look)


@pytest.mark.django_db(transaction=True)
def test_it_sees_the_real_database() -> None:
    watch = IsolationWatch(lambda: None)
    watch.start()
    assert watch.isolated


def test_it_waits_for_a_database_that_is_away(
    watch: IsolationWatch, ended: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch, OperationalError("connection refused"), OperationalError(), None)
    watch.start(0)
    assert watch.wait(5)
    assert (watch.isolated, ended) == (True, [])


def test_it_waits_for_the_first_migration(
    watch: IsolationWatch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tables = iter([["tenants_tenant"], []])
    monkeypatch.setattr(isolation_watch, "missing_tables", lambda: next(tables))
    answers(monkeypatch, None)
    watch.start(0)
    assert watch.wait(5)
    assert "run manage.py migrate" in caplog.text


def test_a_violation_stops_the_start(
    watch: IsolationWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch, ImproperlyConfigured(BROKEN))
    with pytest.raises(ImproperlyConfigured, match=BROKEN):
        watch.start(5)
    assert not watch.isolated


def test_a_violation_that_is_found_later_ends_the_process(
    watch: IsolationWatch, ended: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch, OperationalError(), ImproperlyConfigured(BROKEN))
    watch.start(0)
    assert not watch.wait(0.5)
    assert (watch.isolated, ended) == (False, ["ended"])


def test_work_begins_at_once_where_nobody_looks() -> None:
    assert IsolationWatch(lambda: None).wait(0)
