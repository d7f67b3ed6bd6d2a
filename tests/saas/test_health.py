"""What a web process says of itself while its servers are away, hang, and come back."""

import time
from statistics import median

import httpx
import pytest
from django.conf import settings

from tests.support.faulty import faulty_postgres, faulty_redis
from tests.support.live import launched
from tests.support.live import test_database_url as database_url

pytestmark = pytest.mark.django_db(transaction=True)

BACK_S = 6.0
PAGE = "/api/v1/me/"
KEY = {"Authorization": "Bearer sk_00000000_unknown"}


def unready(web: httpx.Client) -> dict[str, bool]:
    """What /readyz says; it answers within its own short limits."""
    began = time.monotonic()
    answer = web.get("/readyz")
    assert time.monotonic() - began < 3
    assert answer.status_code == 503
    found: dict[str, bool] = answer.json()["checks"]
    return found


def back(web: httpx.Client) -> float:
    """Seconds until a request that asks Postgres is answered as usual."""
    began = time.monotonic()
    while (found := web.get(PAGE, headers=KEY).status_code) != 401:
        assert time.monotonic() - began < BACK_S, f"{PAGE} answers {found}"
        time.sleep(0.1)
    return time.monotonic() - began


def test_a_web_process_lives_through_outages_and_says_which_part_is_away() -> None:
    with (
        faulty_postgres(database_url()) as (postgres, database),
        faulty_redis(settings.REDIS_URL) as (valkey, redis),
    ):
        postgres.go()
        with (
            launched(awaited="/healthz", DATABASE_URL=database, REDIS_URL=redis) as (address, _),
            httpx.Client(base_url=address, timeout=30) as web,
        ):
            assert unready(web) == {"database": False, "redis": True, "isolation": False}
            refused = web.get(PAGE, headers=KEY)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            postgres.come()
            took = [back(web)]
            assert web.get("/readyz").json()["status"] == "ok"

            valkey.hang()
            assert unready(web) == {"database": True, "redis": False, "isolation": True}
            valkey.come()
            postgres.hang()
            assert unready(web) == {"database": False, "redis": True, "isolation": True}
            healthy = [web.get("/healthz").elapsed.total_seconds() for _ in range(20)]
            assert median(healthy) < 0.1, "under 10 ms where the machine has nothing else to do"
            postgres.come()
            took.append(back(web))

            postgres.go()
            time.sleep(2)
            assert web.get("/healthz").status_code == 200
            postgres.come()
            took.append(back(web))
    print(f"\nback after {', '.join(f'{each:.1f}' for each in took)} s; ", end="")
    print(f"/healthz while Postgres hangs: {1000 * median(healthy):.1f} ms")
