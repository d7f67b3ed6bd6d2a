"""Cheap kinds of jobs for the proofs. Each leaves one audit event as its visible effect."""

import os
import signal
import time
from typing import Any

from saas.errors import Unavailable
from tenants.billing.meters import Usage
from tenants.billing.prices import price
from tenants.events import record, register
from tenants.jobs.models import Job, Lease
from tenants.jobs.worker import Control, Outcome

EFFECT = "prove.effect"
register({EFFECT: EFFECT})


def usage_of(payload: dict[str, Any]) -> Usage:
    """What a job of this payload consumes: known beforehand, so that the checker can add up."""
    return Usage({"prompt_tokens": payload["steps"], "completion_tokens": 3 * payload["steps"]})


def cost_of(payload: dict[str, Any]) -> int:
    return price(usage_of(payload))


def _outcome(lease: Lease) -> Outcome:
    def effect(job: Job) -> None:
        record(EFFECT, job, token=lease.token)

    return Outcome({"token": lease.token}, usage_of(lease.payload), effect)


def steps(lease: Lease, control: Control) -> Outcome:
    """Works in short steps and stops when it is told to."""
    for _ in range(lease.payload["steps"]):
        control.check()
        time.sleep(lease.payload["ms"] / 1000)
    return _outcome(lease)


def stubborn(lease: Lease, control: Control) -> Outcome:
    """Never asks whether it is still wanted: only the token keeps it from committing late."""
    time.sleep(lease.payload["steps"] * lease.payload["ms"] / 1000)
    return _outcome(lease)


def suicide(lease: Lease, control: Control) -> Outcome:
    """A poison job: it ends its own process, as a segfault or the OOM killer would."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def flaky(lease: Lease, control: Control) -> Outcome:
    """Fails in a way that may pass, until its last attempt."""
    if lease.token < 2:
        raise Unavailable("Not yet.")
    return steps(lease, control)
