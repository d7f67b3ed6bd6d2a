"""Limits on what a signed-in member may do how often, counted in Valkey per workspace."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from saas.errors import TooManyRequests

HOUR = 3600


def limited(action: str, *, per_hour: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a workspace through `per_hour` times an hour."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            key = f"limit:{request.tenant.pk}:{action}"
            cache.add(key, 0, timeout=HOUR)
            if cache.incr(key) > per_hour:
                detail = _("That was often enough for now. Try again in an hour.")
                raise TooManyRequests(detail, retry_after=HOUR)
            return view(request, *args, **kwargs)

        return counted

    return decorate
