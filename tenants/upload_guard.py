"""Whoever sends much says first who they are: Django keeps a whole body before it asks anything."""

import re
from collections.abc import Iterable
from io import BytesIO
from urllib.parse import quote

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.core.handlers.asgi import ASGIRequest
from django.db import OperationalError, close_old_connections, transaction
from django.urls import reverse

from saas.api.body import App, Receive, Scope, Send, declared, refuse, too_large
from saas.errors import AppError, NotAuthenticated, NotFound, Unavailable
from tenants.authentication import authenticator_of
from tenants.lookups import memberships_of
from tenants.middleware import WORKSPACE_PATH
from tenants.quotas import refuse_more_uploads

# What a stranger may send, to sign in for example. It is kept in memory alone.
STRANGERS_BYTES = 64 * 1024


class SignInFirst(Exception):
    """A person who must sign in before this is read."""


class UploadGuard:
    """An ASGI app around another: a large or undeclared body is read of those alone who may send
    it. `files` are the patterns of paths that take files; those are counted besides.
    """

    def __init__(self, app: App, files: Iterable[str]) -> None:
        self.app = app
        self.files = [re.compile(pattern) for pattern in files]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._is_asked_for(scope):
            try:
                await sync_to_async(self._admit)(ASGIRequest(scope, BytesIO()))
            except SignInFirst:
                await to_sign_in(scope, send)
                return
            except AppError as error:
                await refuse(scope, send, error)
                return
        await self.app(scope, receive, send)

    def _is_asked_for(self, scope: Scope) -> bool:
        if scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            return False
        chunked = any(name == b"transfer-encoding" for name, _ in scope["headers"])
        return chunked or declared(scope) > STRANGERS_BYTES or self._takes_files(scope["path"])

    def _takes_files(self, path: str) -> bool:
        return any(pattern.fullmatch(path) for pattern in self.files)

    def _admit(self, request: ASGIRequest) -> None:
        try:
            with transaction.atomic():
                sender = sender_of(request)
        except OperationalError as error:
            raise Unavailable from error
        finally:
            close_old_connections()  # no request begins or ends here that would do it
        if self._takes_files(request.path_info):
            refuse_more_uploads(sender, request.META.get("REMOTE_ADDR", ""))


def sender_of(request: ASGIRequest) -> object:
    """The person or the service account that sends; raises where nobody is known who may."""
    if authenticator := authenticator_of(request.path_info):
        found = authenticator(request)
        if found is None:
            raise NotAuthenticated
        key, _role = found
        return key.created_by_id if key.personal else key.pk
    cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    request.session = SessionStore(cookie)
    user = get_user(request)
    match = WORKSPACE_PATH.match(request.path_info)
    if not user.is_authenticated:
        raise SignInFirst if match else too_large(STRANGERS_BYTES)
    if match and all(each.tenant.slug != match["slug"] for each in memberships_of(user.pk)):
        raise NotFound
    return user.pk


async def to_sign_in(scope: Scope, send: Send) -> None:
    target = f"{reverse('account_login')}?next={quote(scope['path'])}"
    headers = [(b"location", target.encode("ascii")), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 302, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
