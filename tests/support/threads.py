"""Threads with database connections of their own, for tests of races."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connections

from tenants.models import Tenant
from tenants.scope import tenant_scope

Result = TypeVar("Result")


def race(tenant: Tenant, runners: int, run: Callable[[int], Result]) -> list[Result]:
    """Call run(0), run(1), ... at the same moment, each in its own thread and connection."""
    start = Barrier(runners)

    def one(number: int) -> Result:
        try:
            with tenant_scope(tenant):
                start.wait()
                return run(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(runners) as pool:
        return list(pool.map(one, range(runners)))
