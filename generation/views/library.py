"""The library: find copy, take many pieces along, put them away."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from generation import services
from generation.forms import LibraryForm
from generation.models import Content
from generation.presentation import exports
from generation.views.contents import attachment
from generation.views.pages import PortalRequest, page
from saas.errors import Conflict, NotFound
from tenants.access import role_required
from tenants.undo import done

PAGE_SIZE = 20
MAX_SELECTED = 200


@require_GET
def library(request: PortalRequest, slug: str) -> HttpResponse:
    form = LibraryForm(request.GET, user=request.user)
    form.is_valid()
    found = form.found().select_related("created_by")
    context = {
        "form": form,
        "page_obj": Paginator(found, PAGE_SIZE).get_page(request.GET.get("page")),
        "filtering": form.filtering,
        "archived": form.cleaned_data.get("archived"),
        "layouts": exports.BULK_LAYOUTS,
    }
    return page(request, "_library" if request.htmx else "library", context)


def selected(request: PortalRequest) -> list[Content]:
    """The ticked contents, in the order of the list."""
    wanted = request.POST.getlist("content")[:MAX_SELECTED]
    found = Content.objects.filter(pk__in=filter(is_uuid, wanted))
    known = {str(content.pk): content for content in found}
    return [known[pk] for pk in wanted if pk in known]


@require_POST
def library_export(request: PortalRequest, slug: str) -> HttpResponse:
    """The ticked contents as one archive."""
    layout = request.POST.get("layout", "csv")
    if layout not in exports.BULK_LAYOUTS:
        raise NotFound
    contents = selected(request)
    if not contents:
        return _back(request, _("Tick the pieces you want to take along."))
    for content in contents:
        services.content_exported(content=content)
    return attachment(exports.bundle(contents, layout))


Move = Callable[..., Any]
MOVES: dict[str, Move] = {
    "submit": services.content_submit,
    "archive": services.content_archive,
    "unarchive": services.content_unarchive,
}


BACK = {"archive": "content-unarchive", "unarchive": "content-archive"}


@require_POST
@role_required("editor")
def library_move(request: PortalRequest, slug: str) -> HttpResponse:
    """One step for all ticked contents; those for which it makes no sense stay as they are."""
    move = MOVES.get(request.POST.get("step", ""))
    if move is None:
        raise NotFound
    contents = selected(request)
    if not contents:
        return _back(request, _("Tick the pieces first."))
    moved = [str(content.pk) for content in contents if _moved(move, content)]
    left = len(contents) - len(moved)
    if moved:
        text = ngettext("{n} piece is done.", "{n} pieces are done.", len(moved))
        back = BACK.get(request.POST.get("step", ""), "")
        done(request, text.format(n=len(moved)), back, moved if back else None)
    if left:
        text = ngettext("{n} piece stayed as it was.", "{n} pieces stayed as they were.", left)
        messages.warning(request, text.format(n=left))
    return _back(request)


def _moved(move: Move, content: Content) -> bool:
    try:
        move(content=content)
    except Conflict:
        return False
    return True


def _back(request: PortalRequest, warning: str = "") -> HttpResponse:
    """To the list as it was filtered."""
    if warning:
        messages.warning(request, warning)
    home = reverse("library", args=[request.tenant.slug])
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts=None) and back.startswith(home)
    return HttpResponseRedirect(back if safe else home)


def is_uuid(value: str) -> bool:
    try:
        UUID(value)
    except ValueError:
        return False
    return True
