"""Patience with servers that are away: pauses that grow, a breaker that spares callers."""

import threading

import pytest
from django.db import InterfaceError, OperationalError

from saas import outages
from saas.outages import Backoff, Breaker, cause, through_outages


class Clock:
    """Time that passes when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(outages.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(outages.time, "sleep", self.pass_by)

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_pauses_grow_to_a_limit_and_begin_anew(clock: Clock) -> None:
    backoff = Backoff(first_s=0.1, longest_s=1.0)
    pauses = [backoff.failed() for _ in range(6)]
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 1.0])
    assert (backoff.failing, backoff.waiting) == (True, True)
    clock.pass_by(5)
    assert (backoff.failing, backoff.waiting) == (True, False)
    assert backoff.succeeded() == pytest.approx(5)
    assert (backoff.failing, backoff.waiting, backoff.succeeded()) == (False, False, 0)
    assert backoff.failed() == pytest.approx(0.1)


def test_a_breaker_lets_one_caller_look_while_it_rests(clock: Clock) -> None:
    breaker = Breaker(rest_s=2.0)
    assert breaker.admits()
    assert breaker.admits()
    breaker.failed()
    assert not breaker.admits()
    clock.pass_by(2.1)
    assert [breaker.admits() for _ in range(3)] == [True, False, False]
    breaker.succeeded()
    assert [breaker.admits() for _ in range(3)] == [True] * 3


def test_a_commit_is_tried_until_the_database_is_back(clock: Clock) -> None:
    ends = clock.now + 70

    def commit() -> None:
        if clock.now < ends:
            raise OperationalError("connection refused")

    through_outages(commit, give_up=lambda: False)
    assert clock.now - ends < 1.1


@pytest.mark.parametrize("error", [OperationalError("refused"), InterfaceError("closed")])
def test_a_worker_that_stops_gives_up(error: Exception, clock: Clock) -> None:
    def commit() -> None:
        raise error

    with pytest.raises(type(error)):
        through_outages(commit, give_up=lambda: True)
    with pytest.raises(type(error)):
        through_outages(commit, give_up=threading.Event().is_set)
    assert clock.now > 1000 + outages.LONGEST_OUTAGE_S


def test_other_errors_are_raised_at_once() -> None:
    with pytest.raises(ZeroDivisionError):
        through_outages(lambda: 1 / 0, give_up=lambda: False)


def test_the_log_gets_one_line() -> None:
    assert cause(OperationalError("first\nsecond")) == "first"
    assert cause(InterfaceError()) == "InterfaceError"
