"""The limiter admits what its policies say, to the unit, however many ask at once."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import redis
from rest_framework.test import APIClient

from saas.api import limiter, throttling
from saas.api.limiter import Charge, LocalBucket, Policy

SLOW = Policy("slow", quota=5, window=3600)


def test_a_whole_quota_may_come_at_once_and_no_more() -> None:
    verdicts = [limiter.admit("a", [Charge(SLOW)]) for _ in range(7)]
    assert [verdict.admitted for verdict in verdicts] == [True] * 5 + [False] * 2
    assert [verdict.standings[0].remaining for verdict in verdicts] == [4, 3, 2, 1, 0, 0, 0]
    assert 700 < verdicts[-1].refused_by.retry_after <= 720


def test_owners_do_not_share_a_bucket() -> None:
    for _ in range(5):
        limiter.admit("a", [Charge(SLOW)])
    assert limiter.admit("b", [Charge(SLOW)]).admitted


def test_a_refusal_by_one_policy_charges_none() -> None:
    tight, wide = Policy("tight", 1, 3600), Policy("wide", 100, 3600)
    limiter.admit("a", [Charge(tight), Charge(wide)])
    refused = limiter.admit("a", [Charge(tight), Charge(wide)])
    assert not refused.admitted
    assert refused.refused_by.policy is tight
    assert [standing.remaining for standing in refused.standings] == [0, 99]


def test_a_cost_takes_that_many_units() -> None:
    tokens = Policy("tokens", 100, 3600)
    assert limiter.admit("a", [Charge(tokens, 60)]).standings[0].remaining == 40
    assert not limiter.admit("a", [Charge(tokens, 41)]).admitted
    assert limiter.admit("a", [Charge(tokens, 40)]).admitted


def hammer(policy: Policy, *, threads: int, calls: int) -> tuple[int, float]:
    """How many of so many calls were admitted, and the seconds that they took."""
    owner = uuid4()
    began = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        asked = [pool.submit(limiter.admit, owner, [Charge(policy)]) for _ in range(calls)]
        admitted = sum(each.result().admitted for each in asked)
    return admitted, time.monotonic() - began


def exact(rounds: int, *, threads: int, calls: int, seed: int) -> int:
    """Rounds in which more was admitted than burst + rate x time, or much less."""
    chance, wrong = random.Random(seed), 0
    for number in range(rounds):
        policy = Policy(f"p{number}", chance.randint(1, 200), chance.randint(1, 30))
        admitted, seconds = hammer(policy, threads=threads, calls=calls)
        most = policy.quota + seconds * policy.quota / policy.window
        least = min(calls, 0.99 * most - 1 - seconds * policy.quota / policy.window)
        wrong += not least <= admitted <= most
    print(f"attempts={rounds} failures={wrong} seed={seed}")
    return wrong


def test_it_is_exact_under_threads() -> None:
    assert exact(5, threads=16, calls=160, seed=1) == 0


@pytest.mark.prove
def test_it_is_exact_under_many_threads() -> None:
    assert exact(200, threads=64, calls=3200, seed=random.randrange(10**6)) == 0


def test_the_local_bucket_keeps_the_same_rule() -> None:
    bucket = LocalBucket()
    admitted = [bucket.admit("a", [Charge(SLOW)]).admitted for _ in range(7)]
    assert admitted == [True] * 5 + [False] * 2


def down(*_: object) -> None:
    raise redis.ConnectionError


@pytest.mark.django_db
def test_reads_go_on_and_writes_wait_while_the_limiter_is_down(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttling.limiter, "admit", down)
    assert api.get("/api/v1/brands/").status_code == 200
    refused = api.post("/api/v1/brands/", {"name": "Lumen"})
    assert refused.status_code == 503
    assert refused["Retry-After"] == "5"
    assert refused.json()["code"] == "service_unavailable"
