"""What is to be done once a request is over, however it ended: answered, failed or hung up."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import ThreadSensitiveContext
from django.http import HttpRequest

from saas.api.body import App, Receive, Scope, Send

log = logging.getLogger(__name__)

KEY = "kindling.at_end"
Task = Callable[[], object]


class RequestEnd:
    """An ASGI app around another that gives each request its thread, and its tasks at the end.

    The tasks run in the request's own thread, and so after all that was begun in it: a caller who
    hangs up while a transaction is being committed is seen to once it is. Nobody waits for that
    thread, where Django would hold the whole process up until it is free.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        tasks: list[Task] = []
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="request")
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self.app({**scope, KEY: tasks}, receive, send)
        finally:
            thread.submit(run, tasks)
            thread.shutdown(wait=False)


def at_end(request: HttpRequest, task: Task) -> None:
    """Have this done when the request is over; call it in the request's thread."""
    scope: Scope = getattr(request, "scope", {})
    scope.get(KEY, []).append(task)


def run(tasks: list[Task]) -> None:
    """Do all of them, whatever becomes of each."""
    for task in tasks:
        try:
            task()
        except Exception:  # there is nobody left to tell; it is logged
            log.exception("at_end_failed")
