"""A new workspace, and a workspace's own settings."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tenants.access import role_required
from tenants.errors import TooManyWorkspaces
from tenants.forms import GeneralForm, WorkspaceForm
from tenants.http_types import MemberRequest, UserRequest
from tenants.quotas import refuse_more_sign_ups
from tenants.services import (
    workspace_create,
    workspace_rename,
    workspace_set_system_prompt,
    workspace_set_time_zone,
)

form_page = require_http_methods(["GET", "HEAD", "POST"])


@form_page
@login_required
def workspace_new(request: UserRequest) -> HttpResponse:
    form = WorkspaceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        refuse_more_sign_ups(request.META["REMOTE_ADDR"])
        try:
            return redirect(workspace_create(owner=request.user, name=form.cleaned_data["name"]))
        except TooManyWorkspaces as error:
            form.add_error(None, f"{error} {error.advice}")
    status = 422 if form.is_bound else 200
    return render(request, "tenants/workspace_new.html", {"form": form}, status=status)


@form_page
@role_required("admin")
def settings_general(request: MemberRequest, slug: str) -> HttpResponse:
    tenant = request.tenant
    initial = {name: getattr(tenant, name) for name in ("name", "time_zone", "system_prompt")}
    form = GeneralForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        if "name" in form.changed_data:
            workspace_rename(tenant=tenant, name=form.cleaned_data["name"])
        if "time_zone" in form.changed_data:
            workspace_set_time_zone(tenant=tenant, time_zone=form.cleaned_data["time_zone"])
        if "system_prompt" in form.changed_data:
            workspace_set_system_prompt(tenant=tenant, text=form.cleaned_data["system_prompt"])
        messages.success(request, _("Saved."))
        return redirect("settings-general", slug=slug)
    status = 422 if form.is_bound else 200
    return render(request, "tenants/settings_general.html", {"form": form}, status=status)
