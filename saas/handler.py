"""Calls each view in the way it was written: a sync one in one thread from end to end."""

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve


class Handler(ASGIHandler):
    """Django's own goes to the event loop and back between its middleware and a sync view.

    That costs a page a third of its time, so sync views have a chain of middleware of their own.
    """

    def __init__(self) -> None:
        super().__init__()
        self._sync = BaseHandler()
        self._sync.load_middleware(is_async=False)
        self._in_a_thread = sync_to_async(self._sync.get_response, thread_sensitive=True)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        if is_async(request.path_info):
            return await super().get_response_async(request)
        return await self._in_a_thread(request)


def is_async(path: str) -> bool:
    try:
        return iscoroutinefunction(resolve(path).func)
    except Resolver404:
        return False
