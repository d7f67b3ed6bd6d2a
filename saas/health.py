"""Liveness and readiness, for load balancers and for `make up`."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import psycopg
import redis
import redis.asyncio
from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

logger = logging.getLogger(__name__)

# Whoever asks gives up after a few seconds, and must have heard by then what is wrong.
TIMEOUT_S = 1.5
# What only Django's own connections take.
SYNC_ONLY = {"cursor_factory", "context"}
# What else must be true before requests are taken, by the name that the answer gives it.
_conditions: dict[str, Callable[[], bool]] = {}


def ready_when(name: str, condition: Callable[[], bool]) -> None:
    """Have /readyz ask this as well; the condition must answer at once."""
    _conditions[name] = condition


@never_cache
@require_safe
@transaction.non_atomic_requests
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers. Nothing else is asked of it: no server, and so no transaction."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
@transaction.non_atomic_requests
def readyz(request: HttpRequest) -> JsonResponse:
    """Postgres and Valkey answer, so the process can do its work; else which of them does not."""
    checks = asyncio.run(_servers()) | {name: met() for name, met in _conditions.items()}
    ready = all(checks.values())
    body = {"status": "ok" if ready else "unavailable", "checks": checks}
    return JsonResponse(body, status=200 if ready else 503)


async def _servers() -> dict[str, bool]:
    database, valkey = await asyncio.gather(
        _answers("database", _database), _answers("redis", _redis)
    )
    return {"database": database, "redis": valkey}


async def _answers(name: str, ask: Callable[[], Awaitable[None]]) -> bool:
    """Whether the server answers in time: a server that hangs takes connections all the same."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await ask()
    except (TimeoutError, OSError, psycopg.Error, redis.RedisError) as error:
        logger.warning("not_ready part=%s error=%s", name, type(error).__name__)
        return False
    return True


async def _database() -> None:
    """On a connection of its own, so that a full pool is not taken for a database that is away."""
    known = connection.get_connection_params()
    params = {name: value for name, value in known.items() if name not in SYNC_ONLY}
    asked = await psycopg.AsyncConnection.connect(**params, autocommit=True)
    async with asked:
        await asked.execute("SELECT 1")


async def _redis() -> None:
    once = Retry(NoBackoff(), 0)
    async with redis.asyncio.Redis.from_url(settings.REDIS_URL, retry=once) as client:
        await client.ping()
