"""How the recommender does: what there is to show, who was shown what, and what came of it."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from recommendations.models import Interaction, Item, Person, Recommendation
from recommendations.services.fitting import fitting_last, fitting_request
from recommendations.services.freshness import model_freshness
from recommendations.services.rates import scenario_rates
from tenants.access import role_required
from tenants.portal import PortalRequest, attempt, go, rendered

DAYS = 7


@require_GET
def recommend_home(request: PortalRequest, slug: str) -> HttpResponse:
    since = timezone.now() - timedelta(days=DAYS)
    events = Interaction.objects.filter(occurred_at__gte=since)
    context: dict[str, Any] = {
        "items": Item.objects.count(),
        "persons": Person.objects.present().count(),
        "events": events.aggregate(
            all=Count("pk"), clicks=Count("pk", filter=Q(recomm_id__isnull=False))
        ),
        "answers": Recommendation.objects.filter(created_at__gte=since).count(),
        "rates": scenario_rates(since=since),
        "freshness": model_freshness(),
        "last_fit": fitting_last(),
        "days": DAYS,
        "can_change": request.membership.may("editor"),
        "origin": settings.PUBLIC_URL,
    }
    return rendered(request, "recommendations/home.html", context)


@require_POST
@role_required("editor")
def recommend_fit(request: PortalRequest, slug: str) -> HttpResponse:
    """Fit the ranking model anew, in the background."""
    attempt(request, fitting_request, _("It is learning. You see it among the running jobs."))
    return go(request, "recommend")
