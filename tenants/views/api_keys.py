"""API keys: made, shown once, revoked."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from tenants.access import role_required
from tenants.forms import ApiKeyForm
from tenants.http_types import MemberRequest
from tenants.models import ApiKey
from tenants.services import api_key_issue, api_key_revoke


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@role_required("admin")
def api_keys(request: MemberRequest, slug: str) -> HttpResponse:
    """The secret stands in the answer to the POST alone: it is in no session and no log."""
    form = ApiKeyForm(request.POST or None, by=request.membership)
    context = {"form": form, "secret": "", "issued": None}
    status = 200
    if request.method == "POST":
        status = 201 if form.is_valid() else 422
    if status == 201:
        issued, secret = api_key_issue(**form.cleaned_data)
        context = {"form": ApiKeyForm(by=request.membership), "secret": secret, "issued": issued}
    keys = ApiKey.objects.filter(kind=ApiKey.Kind.SECRET)
    context["keys"] = keys.select_related("created_by").newest()
    return render(request, "tenants/api_keys.html", context, status=status)


@require_POST
@role_required("admin")
def api_key_revoked(request: MemberRequest, slug: str, pk: UUID) -> HttpResponse:
    key = api_key_revoke(key_id=pk)
    messages.success(request, _("“%(name)s” no longer works.") % {"name": key.name})
    return redirect("api-keys", slug=slug)
