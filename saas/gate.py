"""Keeps requests out until the process may serve them, and says so instead of hanging."""

from collections.abc import Callable

from saas.api.body import App, Receive, Scope, Send, refuse
from saas.errors import Unavailable

# What load balancers ask is answered all the same.
ALWAYS = {"/healthz", "/readyz"}


class Gate:
    """An ASGI app around another: 503 to everything until `opened`."""

    def __init__(self, app: App, opened: Callable[[], bool]) -> None:
        self.app = app
        self.opened = opened

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in ALWAYS and not self.opened():
            await refuse(scope, send, Unavailable())
        else:
            await self.app(scope, receive, send)
