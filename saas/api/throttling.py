"""The limits that each workspace's API calls meet, and the headers that tell of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import redis
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from saas.api import limiter
from saas.api.limiter import Charge, Policy, Standing
from saas.errors import TooManyRequests, Unavailable

if TYPE_CHECKING:
    from rest_framework.views import APIView

_local = limiter.LocalBucket()


class CountedRequest(HttpRequest):
    """A request of a workspace, with how its limits stand."""

    tenant: Any
    standings: tuple[Standing, ...]


WINDOW_S = 60
_quotas: list[Callable[[], Mapping[str, int]]] = []


def provide_quotas(quotas: Callable[[], Mapping[str, int]]) -> None:
    """Say who knows how many units a minute the workspace in scope may have of each policy."""
    _quotas[:] = [quotas]


def policies(*names: str) -> list[Policy]:
    """The workspace's policies of these names."""
    quotas = _quotas[0]()
    return [
        Policy(
            name, max(1, quotas[name]), WINDOW_S, unit="tokens" if name == "tokens" else "requests"
        )
        for name in names
    ]


class TenantThrottle(BaseThrottle):
    """Counts the calls of a workspace, whichever of its keys they come with.

    A view names further policies in `limits`; they count for calls that change something. One
    that is `essential` is served by this process's own count where Valkey is away, as reading is.
    """

    def allow_request(self, request: Request, view: "APIView") -> bool:
        if request.auth is None:
            return True
        names = ["requests"]
        safe = request.method in SAFE_METHODS or getattr(view, "essential", False)
        if request.method not in SAFE_METHODS:
            names += getattr(view, "limits", ())
        charges = [Charge(policy) for policy in policies(*names)]
        charge(request._request, charges, safe=safe)
        return True

    def wait(self) -> None:
        """A refusal is raised where it happens, with all that a caller needs to know."""


def charge(request: HttpRequest, charges: Sequence[Charge], *, safe: bool = False) -> None:
    """Charge the request's workspace, or raise TooManyRequests; notes how its limits stand."""
    counted = cast(CountedRequest, request)
    owner = counted.tenant.pk
    try:
        verdict = limiter.admit(owner, charges)
    except redis.RedisError as error:
        if not safe:
            raise Unavailable(_("Nothing can be changed at this moment.")) from error
        verdict = _local.admit(owner, charges)
    counted.standings = (*getattr(request, "standings", ()), *verdict.standings)
    if not verdict.admitted:
        raise refusal(verdict.refused_by)


def refusal(standing: Standing) -> TooManyRequests:
    limit = standing.policy
    return TooManyRequests(
        _("At most %(quota)d %(unit)s in %(window)d seconds are served to one workspace.")
        % {"quota": limit.quota, "unit": limit.unit, "window": limit.window},
        retry_after=max(1, standing.retry_after),
        policy=limit.name,
        limit=limit.quota,
        remaining=0,
    )


def set_headers(request: HttpRequest, response: HttpResponseBase) -> None:
    """Tell the caller how its limits stand, also in the names that OpenAI's clients know."""
    standings: Iterable[Standing] = getattr(request, "standings", ())
    if not standings:
        return
    response["RateLimit-Policy"] = ", ".join(map(_policy_item, standings))
    response["RateLimit"] = ", ".join(map(_limit_item, standings))
    if request.path_info.startswith("/v1/"):
        for unit in ("requests", "tokens"):
            of_unit = [each for each in standings if each.policy.unit == unit]
            if of_unit:
                _set_familiar(response, unit, min(of_unit, key=_room))


def _policy_item(standing: Standing) -> str:
    limit = standing.policy
    unit = "" if limit.unit == "requests" else f';qu="{limit.unit}"'
    return f'"{limit.name}";q={limit.quota}{unit};w={limit.window}'


def _limit_item(standing: Standing) -> str:
    wait = standing.retry_after or standing.reset
    return f'"{standing.policy.name}";r={standing.remaining};t={wait}'


def _room(standing: Standing) -> tuple[bool, int]:
    """Least where the limit bites first: it refuses, or fewer calls are left than elsewhere."""
    return not standing.retry_after, standing.remaining


def _set_familiar(response: HttpResponseBase, unit: str, standing: Standing) -> None:
    """OpenAI's clients know one limit of a unit: the one that bites."""
    response[f"x-ratelimit-limit-{unit}"] = str(standing.policy.quota)
    response[f"x-ratelimit-remaining-{unit}"] = str(standing.remaining)
    response[f"x-ratelimit-reset-{unit}"] = f"{standing.retry_after or standing.reset}s"
