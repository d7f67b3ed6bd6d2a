"""Operators in a workspace: for a reason, for an hour, and written into its audit log."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from tenants.events import record
from tenants.lookups import Workspace
from tenants.models import User
from tenants.scope import tenant_scope

SESSION_KEY = "operator_visit"
LIMIT = timedelta(minutes=60)
ADMIN_PATH = "/admin/"
# unfold runs Alpine, which evaluates the expressions in its attributes, and styles inline.
# Only its pages get this; the portal keeps the strict policy.
ADMIN_CSP = {"script-src": [SELF, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]}


@dataclass(frozen=True, slots=True)
class Visit:
    """An operator's stay in one workspace."""

    tenant_id: UUID
    name: str
    reason: str
    until: datetime

    @property
    def over(self) -> bool:
        return self.until <= timezone.now()

    def stored(self) -> dict[str, str]:
        return {
            "tenant_id": str(self.tenant_id),
            "name": self.name,
            "reason": self.reason,
            "until": self.until.isoformat(),
        }

    @classmethod
    def load(cls, stored: dict[str, str]) -> "Visit":
        until = datetime.fromisoformat(stored["until"])
        return cls(UUID(stored["tenant_id"]), stored["name"], stored["reason"], until)


def current_visit(request: HttpRequest) -> Visit | None:
    """The operator's visit; None where there is none, or where it has just run out."""
    stored = request.session.get(SESSION_KEY)
    if not stored or not request.user.is_staff:
        return None
    visit = Visit.load(stored)
    if visit.over:
        leave(request, expired=True)
        return None
    return visit


def enter(request: HttpRequest, workspace: Workspace, *, reason: str) -> Visit:
    """Open a workspace to the operator, and leave the one before."""
    leave(request)
    visit = Visit(workspace.id, workspace.name, reason, timezone.now() + LIMIT)
    with tenant_scope(visit.tenant_id):
        record("operator.entered", reason=reason)
    request.session[SESSION_KEY] = visit.stored()
    return visit


def leave(request: HttpRequest, *, expired: bool = False) -> None:
    """Close the workspace again, if one is open."""
    stored = request.session.pop(SESSION_KEY, None)
    if not stored:
        return
    with tenant_scope(Visit.load(stored).tenant_id):
        record("operator.left", expired=expired)


def leave_at_logout(sender: Any, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    """The receiver of Django's user_logged_out, which is sent while the session still stands."""
    if user is not None:
        leave(request)


class OperatorMiddleware:
    """Puts an operator's request under /admin/ into the scope of the workspace they opened."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(ADMIN_PATH):
            return self.get_response(request)
        visit = current_visit(request)
        request.operator_visit = visit  # type: ignore[attr-defined]
        response = self._answer(request, visit)
        response._csp_update = ADMIN_CSP  # type: ignore[attr-defined]
        return response

    def _answer(self, request: HttpRequest, visit: Visit | None) -> HttpResponseBase:
        if visit is None:
            return self.get_response(request)
        with tenant_scope(visit.tenant_id):
            return self.get_response(request)
