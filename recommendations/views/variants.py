"""Variants of one thing: which is chosen more often, and whether that is certain."""

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from recommendations.services.variants import audiences_of, variant_groups, variant_report
from tenants.portal import PortalRequest, rendered


@require_GET
def variant_list(request: PortalRequest, slug: str) -> HttpResponse:
    return rendered(request, "recommendations/variant_list.html", {"groups": variant_groups()})


@require_GET
def variant_page(request: PortalRequest, slug: str, key: str) -> HttpResponse:
    chosen = request.GET.get("audience", "")[:128]
    context = {
        "report": variant_report(group=key, audience=chosen or None),
        "key": key,
        "audiences": audiences_of(key),
        "chosen": chosen,
    }
    return rendered(request, "recommendations/variants.html", context)
