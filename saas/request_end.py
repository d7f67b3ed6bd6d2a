"""What is to be done once a request is over, however it ended: answered, failed or hung up."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from asgiref.sync import ThreadSensitiveContext
from django.db import connections
from django.http import HttpRequest

from saas.api.body import App, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

KEY = "kindling.end"
Task = Callable[[], object]


@dataclass
class End:
    """One request's end: what is done then, and who must not wait any longer."""

    tasks: list[Task] = field(default_factory=list)
    waiting: set["asyncio.Task[object]"] = field(default_factory=set)
    come: bool = False

    def comes(self) -> None:
        self.come = True
        for task in self.waiting:
            task.cancel()

    def heard_by(self, receive: Receive) -> Receive:
        """Receives as before, and notes that the caller hung up."""

        async def hearing() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.comes()
            return message

        return hearing

    def told_by(self, send: Send) -> Send:
        """Sends as before, and stops whoever writes to a caller who hung up."""

        async def telling(message: Message) -> None:
            if self.come:
                raise asyncio.CancelledError
            await send(message)

        return telling


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
        end = End()
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="request")
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self.app({**scope, KEY: end}, end.heard_by(receive), end.told_by(send))
        finally:
            end.comes()
            thread.submit(run, end.tasks)
            thread.shutdown(wait=False)


def at_end(request: HttpRequest, task: Task) -> None:
    """Have this done when the request is over; call it in the request's thread."""
    end_of(request).tasks.append(task)


@contextmanager
def until_end(request: HttpRequest) -> Iterator[None]:
    """Cancel what waits in this block once the request is over.

    A cancellation that arrives while a synchronous middleware runs stops the middleware's caller
    alone: it goes on in its thread, and calls a view that nobody is left to cancel.
    """
    end, task = end_of(request), asyncio.current_task()
    if end.come or task is None:
        raise asyncio.CancelledError
    end.waiting.add(task)
    try:
        yield
    finally:
        end.waiting.discard(task)


def end_of(request: HttpRequest) -> End:
    """The request's end; one that never comes where no server called."""
    scope: Scope = getattr(request, "scope", {})
    return scope.get(KEY) or End()


def run(tasks: list[Task]) -> None:
    """Do all of them, whatever becomes of each; the thread ends with them."""
    for task in tasks:
        try:
            task()
        except Exception:  # there is nobody left to tell; it is logged
            log.exception("at_end_failed")
    connections.close_all()
