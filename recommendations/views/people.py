"""People: what somebody did, what they would get and why, and forgetting them."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from recommendations.models import Person, Scenario
from recommendations.services.answers import Ask, recommend
from recommendations.services.interactions import person_forget
from tenants.access import role_required
from tenants.portal import PortalRequest, go, rendered

PAGE_SIZE = 40
EVENTS = 40
SHOWN = 8


@require_GET
def person_list(request: PortalRequest, slug: str) -> HttpResponse:
    words = request.GET.get("q", "").strip()[:200]
    found = Person.objects.present().filter(key__icontains=words)
    context = {
        "q": words,
        "page_obj": Paginator(found.order_by("-last_seen_at", "key"), PAGE_SIZE).get_page(
            request.GET.get("page")
        ),
    }
    name = "_people" if request.htmx else "person_list"
    return rendered(request, f"recommendations/{name}.html", context)


@require_GET
def person_page(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    person = get_object_or_404(Person.objects.present(), pk=pk)
    chosen = Scenario.objects.filter(key=request.GET.get("scenario", "")).first()
    answer = recommend(ask=Ask(count=SHOWN, person=person, scenario=chosen, explain=True))
    events = person.interactions.select_related("item").order_by("-occurred_at")
    context = {
        "person": person,
        "shown": answer.shown,
        "events": events[:EVENTS],
        "scenarios": Scenario.objects.order_by("name"),
        "chosen": chosen,
        "can_forget": request.membership.may("admin"),
    }
    return rendered(request, "recommendations/person.html", context)


@require_POST
@role_required("admin")
def person_forgotten(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    person = get_object_or_404(Person, pk=pk)
    person_forget(person=person)
    messages.success(request, _("“%s” is forgotten.") % person.key)
    return go(request, "recommend-people")
