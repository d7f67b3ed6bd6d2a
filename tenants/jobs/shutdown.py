"""Tells a Celery worker's processes of its shutdown, so that they hand their jobs back."""

import mmap
from typing import Any

from celery.signals import worker_shutting_down

# Shared with the children that the worker forks: a shutdown is announced to the parent alone.
_flag = mmap.mmap(-1, 1)


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def announce(**_: Any) -> None:
    _flag[0] = 1


def shutting_down() -> bool:
    """Whether this worker was asked to stop: take nothing new, hand back what is not done."""
    return _flag[0] == 1
