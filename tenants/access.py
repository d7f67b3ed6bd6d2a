"""What a member's role lets them do in the portal."""

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from django.http import HttpRequest

from saas.errors import InsufficientRole, NotFound
from tenants.models import Membership, Role

View = Callable[..., Any]


def role_required(role: str) -> Callable[[View], View]:
    """Let only members with this role, or one above it, into a view under /w/<slug>/.

    A view without it is open to every member, viewers included.
    """
    needed = Role(role)

    def decorate(view: View) -> View:
        if iscoroutinefunction(view):

            @wraps(view)
            async def guarded_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                require_role(request, needed)
                return await view(request, *args, **kwargs)

            return guarded_async

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            require_role(request, needed)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def require_role(request: HttpRequest, role: str) -> None:
    """Raise InsufficientRole where the member may not do what the role may."""
    membership: Membership | None = getattr(request, "membership", None)
    if membership is None:  # not under /w/<slug>/: nobody is a member of anything here
        raise NotFound
    if not membership.may(role):
        raise InsufficientRole(needed=str(role))
