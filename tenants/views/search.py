"""The search of the portal (Ctrl K): things of the workspace by their words, beside its places."""

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from saas.folding import holds
from saas.navigation import Hit, navigation
from tenants.http_types import MemberRequest
from tenants.models import Membership

MOST_CHARS, SHOWN = 200, 4


@require_safe
def search(request: MemberRequest, slug: str) -> HttpResponse:
    """The options that the palette shows below its own."""
    words = request.GET.get("q", "").replace("\0", "")[:MOST_CHARS].strip()
    hits = navigation.found(request, words) if words else []
    return render(request, "tenants/_found.html", {"hits": hits})


def people(request: HttpRequest, words: str) -> Iterator[Hit]:
    """Members of the workspace, by name or address."""
    team = reverse("team", args=[request.tenant.slug])  # type: ignore[attr-defined]
    members = Membership.objects.select_related("user").order_by("created_at")
    fitting = (each for each in members if holds(f"{each.user.name} {each.user.email}", words))
    for member, _ in zip(fitting, range(SHOWN), strict=False):
        address = f"{team}#member-{member.pk}"
        yield Hit(member.user.display_name, member.user.email, "user", address)
