"""Rate limits that are exact under concurrency: GCRA in one Lua script, by the server's clock."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import redis

from saas.outages import Breaker
from saas.redis_client import redis_client

# A key holds the theoretical arrival time (TAT) of its policy in microseconds. All rules are
# looked at before any is charged, so that a refusal costs nothing anywhere.
SCRIPT = """
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local answers, arrivals, admitted = {}, {}, 1
for i, key in ipairs(KEYS) do
    local interval, window, cost = ARGV[i * 3 - 2], ARGV[i * 3 - 1], ARGV[i * 3]
    local tat = math.max(now, tonumber(redis.call('GET', key) or 0))
    local arrival = tat + cost * interval
    local wait = arrival - window - now
    if wait > 0 then
        admitted = 0
        arrival = tat
    end
    arrivals[i] = arrival
    answers[i] = {wait, arrival - now, tat - now}
end
for i, key in ipairs(KEYS) do
    if admitted == 1 and tonumber(ARGV[i * 3]) > 0 then
        local rest = math.ceil((arrivals[i] - now) / 1000)
        redis.call('SET', key, string.format('%.0f', arrivals[i]), 'PX', math.max(rest, 1))
    end
end
return {admitted, answers}
"""


# While Valkey is away or hangs, one request in so many seconds finds out whether it is back.
_breaker = Breaker(rest_s=1.0)


@dataclass(frozen=True, slots=True)
class Policy:
    """So many units in so many seconds; all of them may come at once."""

    name: str
    quota: int
    window: int
    unit: str = "requests"

    @property
    def interval(self) -> int:
        """Microseconds that one unit takes to come back, rounded so that none is given away."""
        return -(-self.window * 1_000_000 // self.quota)

    @property
    def burst(self) -> int:
        return self.interval * self.quota


@dataclass(frozen=True, slots=True)
class Charge:
    """What a request takes from a policy."""

    policy: Policy
    cost: int = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """How a policy stands after a request: what is left, and the seconds until it is all back."""

    policy: Policy
    remaining: int
    reset: int
    retry_after: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    admitted: bool
    standings: tuple[Standing, ...]

    @property
    def refused_by(self) -> Standing:
        return max(self.standings, key=lambda standing: standing.retry_after)


@cache
def client() -> "redis.Redis":
    """The limiter's connections: it must answer at once or count as down."""
    return redis_client(socket_timeout=2, max_connections=64)


def admit(owner: object, charges: Sequence[Charge]) -> Verdict:
    """Charge the owner under every policy, or under none where one of them refuses."""
    keys = [f"rl:{{{owner}}}:{charge.policy.name}" for charge in charges]
    numbers = [
        number
        for charge in charges
        for number in (charge.policy.interval, charge.policy.burst, charge.cost)
    ]
    admitted, answers = _asked(keys, numbers)
    return verdict(bool(admitted), charges, answers)


def _asked(keys: list[str], numbers: list[int]) -> Any:
    if not _breaker.admits():
        raise redis.ConnectionError("Valkey has just failed to answer.")
    try:
        answer = client().register_script(SCRIPT)(keys=keys, args=numbers)
    except (redis.ConnectionError, redis.TimeoutError):
        _breaker.failed()
        raise
    _breaker.succeeded()
    return answer


def verdict(admitted: bool, charges: Sequence[Charge], answers: Any) -> Verdict:
    return Verdict(
        admitted,
        tuple(
            _standing(charge, admitted, *answer)
            for charge, answer in zip(charges, answers, strict=True)
        ),
    )


def _standing(charge: Charge, admitted: bool, wait: int, after: int, before: int) -> Standing:
    policy = charge.policy
    used = after if admitted else before
    return Standing(
        policy,
        remaining=max(0, (policy.burst - used) // policy.interval),
        reset=_seconds(used),
        retry_after=_seconds(wait) if wait > 0 else 0,
    )


def _seconds(microseconds: int) -> int:
    return max(0, -(-int(microseconds) // 1_000_000))


class LocalBucket:
    """The same rule inside one process, for reads while the limiter cannot be reached."""

    MOST_KEYS = 10_000

    def __init__(self) -> None:
        self._arrivals: dict[tuple[object, str], int] = {}
        self._lock = threading.Lock()

    def admit(self, owner: object, charges: Sequence[Charge]) -> Verdict:
        with self._lock:
            now = time.monotonic_ns() // 1000
            answers = [self._look(owner, charge, now) for charge in charges]
            admitted = all(wait <= 0 for wait, _, _ in answers)
            if admitted:
                self._charge(owner, charges, answers, now)
        return verdict(admitted, charges, answers)

    def _look(self, owner: object, charge: Charge, now: int) -> tuple[int, int, int]:
        tat = max(now, self._arrivals.get((owner, charge.policy.name), 0))
        arrival = tat + charge.cost * charge.policy.interval
        return arrival - charge.policy.burst - now, arrival - now, tat - now

    def _charge(
        self, owner: object, charges: Sequence[Charge], answers: Sequence[Any], now: int
    ) -> None:
        if len(self._arrivals) > self.MOST_KEYS:
            self._arrivals = {key: at for key, at in self._arrivals.items() if at > now}
        for charge, (_, after, _) in zip(charges, answers, strict=True):
            self._arrivals[owner, charge.policy.name] = now + after
