"""The operators' side: registers of users and workspaces, and the base of every tenant's admin."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin

from tenants.events import record
from tenants.http_types import OperatorRequest
from tenants.lookups import Workspace, all_workspaces
from tenants.models import ApiKey, AuditEvent, Invitation, Membership, Role, Tenant, User
from tenants.operators import enter, leave
from tenants.services import keep_an_owner, lock_members, member_of

# Operators sign in like everybody else: with the same limits, and with their second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
# What allauth registers shows second factors and addresses of people, and nobody needs it here.
for unwanted in (Group, EmailAddress, Authenticator, UserSession):
    admin.site.unregister(unwanted)


class TenantAdmin(ModelAdmin):  # type: ignore[misc]
    """The admin of a tenant's rows: those of the workspace that the operator has opened.

    Without an open workspace every page leads to the register. Changes go to that
    workspace's own audit log instead of Django's, which every operator can read.
    """

    def changelist_view(
        self, request: OperatorRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        return to_register(request) or super().changelist_view(request, *args, **kwargs)

    def changeform_view(
        self, request: OperatorRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        return to_register(request) or super().changeform_view(request, *args, **kwargs)

    def delete_view(self, request: OperatorRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return to_register(request) or super().delete_view(request, *args, **kwargs)

    def history_view(self, request: OperatorRequest, object_id: str, **kwargs: Any) -> HttpResponse:
        query = urlencode({"q": object_id})
        return redirect(f"{reverse('admin:tenants_auditevent_changelist')}?{query}")

    def log_addition(self, request: OperatorRequest, obj: Model, message: Any) -> None:
        record("operator.added", obj)

    def log_change(self, request: OperatorRequest, obj: Model, message: Any) -> None:
        fields = [name for part in message or [] for name in changed_fields(part)]
        record("operator.changed", obj, fields=fields)

    def log_deletions(self, request: OperatorRequest, queryset: Any) -> None:
        for row in queryset:
            record("operator.deleted", row)


def changed_fields(part: Any) -> list[str]:
    """The names of the fields in one part of Django's change message."""
    return list(part.get("changed", {}).get("fields", [])) if isinstance(part, dict) else []


class ReadOnlyAdmin(TenantAdmin):
    """Rows that operators look at and never change."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False


def to_register(request: OperatorRequest) -> HttpResponseRedirect | None:
    """The way to the register of workspaces, for an operator who has opened none."""
    if request.operator_visit is not None:
        return None
    messages.info(request, _("Open a workspace first."))
    query = urlencode({"next": request.get_full_path()})
    return redirect(f"{reverse('admin:tenants_tenant_changelist')}?{query}")


class EnterForm(forms.Form):
    """Why an operator opens a workspace; its members read this in their audit log."""

    reason = forms.CharField(label=_("Reason"), min_length=8, max_length=200)
    next = forms.CharField(required=False, widget=forms.HiddenInput)


@admin.register(Tenant)
class WorkspaceAdmin(TenantAdmin):
    """The register of all workspaces, and the door into each."""

    fields = ("name", "slug", "status", "weight")
    readonly_fields = ("slug",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("leave/", view(require_POST(self.leave_view)), name="tenants_tenant_leave"),
            path("<uuid:pk>/enter/", view(self.enter_view), name="tenants_tenant_enter"),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(
        self, request: OperatorRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        self._refuse_strangers(request)
        query = request.GET.get("q", "").strip().lower()
        context = {
            "workspaces": [found for found in all_workspaces() if fits(found, query)],
            "query": query,
            "next": request.GET.get("next", ""),
            "one_factor": not is_mfa_enabled(request.user),
        }
        return self._page(request, "admin/workspaces.html", _("Workspaces"), context)

    def enter_view(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        self._refuse_strangers(request)
        workspace = next((found for found in all_workspaces() if found.id == pk), None)
        if workspace is None:
            raise Http404
        form = EnterForm(request.POST or None, initial={"next": request.GET.get("next", "")})
        if request.method == "POST" and form.is_valid():
            enter(request, workspace, reason=form.cleaned_data["reason"])
            return redirect(inside(request, form.cleaned_data["next"]))
        context = {"form": form, "workspace": workspace}
        return self._page(request, "admin/enter.html", workspace.name, context)

    def leave_view(self, request: HttpRequest) -> HttpResponse:
        leave(request)
        return redirect("admin:tenants_tenant_changelist")

    def _refuse_strangers(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise Http404

    def _page(
        self, request: HttpRequest, template: str, title: Any, context: dict[str, Any]
    ) -> HttpResponse:
        shell = self.admin_site.each_context(request)
        own = {"title": title, "opts": self.opts, **context}
        return TemplateResponse(request, template, {**shell, **own})


def fits(workspace: Workspace, query: str) -> bool:
    return query in workspace.name.lower() or query in workspace.slug or query == str(workspace.id)


def inside(request: HttpRequest, target: str) -> str:
    """Where to go after entering: an address in the admin, else its front page."""
    hosts = {request.get_host()}
    if target.startswith(reverse("admin:index")) and url_has_allowed_host_and_scheme(target, hosts):
        return target
    return reverse("admin:index")


@admin.register(User)
class UserRegister(ModelAdmin):  # type: ignore[misc]
    """Everybody with an account. They are deactivated, never deleted: audit logs name them."""

    list_display = ("email", "name", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name")
    fields = ("email", "name", "is_active", "is_staff", "is_superuser", "date_joined", "last_login")
    readonly_fields = ("email", "is_superuser", "date_joined", "last_login")
    ordering = ("email",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Membership)
class MembershipAdmin(TenantAdmin):
    list_display = ("user", "role", "created_at")
    list_filter = ("role",)
    search_fields = ("user__email",)
    readonly_fields = ("user",)
    list_select_related = ("user",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(
        self, request: OperatorRequest, obj: Membership, form: Any, change: bool
    ) -> None:
        lock_members()
        if obj.role != Role.OWNER:
            keep_an_owner(member_of(obj.pk))
        super().save_model(request, obj, form, change)


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = ("email", "role", "expires_at", "accepted_at")
    search_fields = ("email",)
    exclude = ("secret_sha256",)


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = ("name", "prefix", "role", "scopes", "last_used_at", "expires_at", "revoked_at")
    search_fields = ("name", "prefix")
    exclude = ("secret_sha256", "sealed_secret")


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "name", "user", "subject_type", "subject_label", "address")
    list_filter = ("name",)
    search_fields = ("name", "subject_id", "subject_label", "user__email")
    list_select_related = ("user",)
