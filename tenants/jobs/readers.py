"""Who waits for a job's answer: a worker stops what nobody is left to read.

A caller who hangs up is seen to by its own web process. Where that process is killed itself, its
subscription in Valkey ends with its socket, and workers see that it has no subscriber any more.
"""

import logging
import threading
import time
from collections.abc import Iterable
from functools import cache
from uuid import uuid4

import redis
from django.conf import settings

logger = logging.getLogger(__name__)

CHANNEL = "readers:{}"
LOOK_EVERY_S = 0.5
# A web process that lost its connection to Valkey is back sooner.
GONE_AFTER_S = 0.9
BACK_AFTER_S = 0.1
SUBSCRIBED_WITHIN_S = 2.0


class Presence:
    """This process's subscription, held by a thread for as long as the process lives."""

    def __init__(self) -> None:
        self.token = uuid4().hex
        self.subscribed = threading.Event()
        self.client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1)
        threading.Thread(target=self._hold, name="readers", daemon=True).start()

    def _hold(self) -> None:
        while True:
            try:
                self._subscribe()
            except redis.RedisError as error:
                logger.info("readers_away error=%s", type(error).__name__)
            time.sleep(BACK_AFTER_S)

    def _subscribe(self) -> None:
        with self.client.pubsub() as subscription:  # type: ignore[no-untyped-call]
            subscription.subscribe(CHANNEL.format(self.token))
            for _message in subscription.listen():
                self.subscribed.set()


@cache
def presence() -> Presence:
    """One for the process, which begins when it is first asked for."""
    return Presence()


def reader_token() -> str:
    """What jobs carry whose answer this process passes on, and nobody asks for later."""
    held = presence()
    held.subscribed.wait(SUBSCRIBED_WITHIN_S)
    return held.token


class ReaderWatch:
    """A worker's look at the web processes that wait for its jobs."""

    def __init__(self) -> None:
        self.client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2)
        self.looked = 0.0
        self.missed: dict[str, float] = {}

    def gone(self, tokens: Iterable[str]) -> set[str]:
        """Those of the processes that nobody has seen for a while; none between two looks."""
        wanted, now = sorted(set(tokens)), time.monotonic()
        if not wanted or now - self.looked < LOOK_EVERY_S:
            return set()
        self.looked = now
        try:
            here = self.client.pubsub_numsub(*map(CHANNEL.format, wanted))
        except redis.RedisError:  # it may be Valkey that is gone
            self.missed = {}
            return set()
        missing = {token for token, (_, count) in zip(wanted, here, strict=True) if not count}
        self.missed = {token: self.missed.get(token, now) for token in missing}
        return {token for token in missing if now - self.missed[token] >= GONE_AFTER_S}
