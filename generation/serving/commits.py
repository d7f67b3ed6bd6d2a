"""Commits what the batch worker's jobs came to: in a thread, so that no text waits for it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

Task = Callable[[], object]


class InlineExecutor:
    """Does each task at once."""

    def submit(self, task: Task) -> None:
        task()

    def shutdown(self) -> None:
        """Come back when all is done."""


class ThreadExecutor(InlineExecutor):
    """Does the tasks in their order, beside the engine, on a database connection of its own.

    Tasks see to their own errors: there is nobody here to tell.
    """

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="commits")

    def submit(self, task: Task) -> None:
        self.pool.submit(task)

    def shutdown(self) -> None:
        self.pool.submit(connections.close_all)
        self.pool.shutdown(wait=True)
