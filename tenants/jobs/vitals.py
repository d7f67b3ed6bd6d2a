"""Whether this worker process goes on: when it last looked, stepped or gave a sign of life.

The liveness probe asks it. A worker that waits for a database that is away is alive.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

# So long a loop may stand still: far longer than any statement, load or step takes.
STILL_S = 180.0

_last: dict[str, float] = {}
_working: dict[str, int] = {}


def touch(what: str) -> None:
    """Note that this has just happened."""
    _last[what] = time.time()


def last() -> dict[str, float]:
    """When each thing happened last, in seconds since 1970."""
    return dict(_last)


@contextmanager
def working(queue: str) -> Iterator[None]:
    """Work on a queue: until it ends, something must happen now and then."""
    touch("work")
    _working[queue] = _working.get(queue, 0) + 1
    try:
        yield
    finally:
        _working[queue] -= 1


def alive() -> bool:
    """Whether nothing is to be done, or something has happened lately."""
    if not any(_working.values()):
        return True
    return time.time() - max(_last.values(), default=0.0) < STILL_S
