"""Brands: how each one speaks."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, ProtectedError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from generation.forms import BrandForm
from generation.kinds.brief import BriefData
from generation.models import Brand
from generation.serving.routing import default_choice
from generation.views.pages import PortalRequest, go, page, posted, saved
from generation.writers.guided.turns import voice
from generation.writers.prompts import render_brand
from tenants.access import role_required
from tenants.undo import deleted, done


@require_GET
def brand_list(request: PortalRequest, slug: str) -> HttpResponse:
    brands = Brand.objects.annotate(uses=Count("briefs")).order_by("-is_default", "name")
    return page(request, "brand_list", {"brands": brands})


@require_http_methods(["GET", "POST"])
@role_required("editor")
def brand_new(request: PortalRequest, slug: str) -> HttpResponse:
    return _edit(request, Brand(is_default=not Brand.objects.exists()))


@require_http_methods(["GET", "POST"])
@role_required("editor")
def brand_edit(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    return _edit(request, get_object_or_404(Brand, pk=pk))


def _edit(request: PortalRequest, brand: Brand) -> HttpResponse:
    first = not Brand.objects.exists()
    form = BrandForm(posted(request), instance=brand)
    if form.is_bound and form.is_valid() and saved(form):
        messages.success(request, _("“{name}” is saved.").format(name=brand.name))
        return go(request, "write") if first else go(request, "brand-list")
    context = {
        "form": form,
        "brand": brand,
        "title": form.initial.get("name") or _("New brand"),
        "saved": not brand._state.adding,
        **voice_of(form),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return page(request, "brand_form", context, status=status)


@require_POST
@role_required("editor")
def brand_voice(request: PortalRequest, slug: str) -> HttpResponse:
    """How the model is told the voice that the form holds now."""
    return page(request, "_voice", voice_of(BrandForm(request.POST)))


def voice_of(form: BrandForm) -> dict[str, Any]:
    brand = form.sketch()
    given = BriefData(kind="", brand=brand.data())
    direct = default_choice().writer == "direct"
    return {"voice": render_brand(given) if direct else voice(given), "told": brand}


@require_POST
@role_required("editor")
def brand_delete(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    brand = get_object_or_404(Brand, pk=pk)
    try:
        noted = deleted(brand)
    except ProtectedError:
        detail = _("“{name}” has briefs that were written with it, so it stays.")
        messages.error(request, detail.format(name=brand.name))
        return go(request, "brand-edit", pk)
    done(request, _("“{name}” is deleted.").format(name=brand.name), "restore", noted)
    return go(request, "brand-list")
