"""Forms for signing up, workspaces, members, API keys, the audit log and one's own profile."""

from datetime import date
from typing import Any
from zoneinfo import available_timezones

from allauth.account.utils import get_next_redirect_url
from allauth.core import context as allauth_context
from django import forms
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from tenants.lookups import find_invitation
from tenants.models import LONGEST_PROMPT, ApiKey, AuditEvent, Membership, Role, Tenant, User
from tenants.models_base import TenantQuerySet
from tenants.services import INVITATION_KEY, workspace_create
from tenants.validators import name_check


class WorkspaceSignupForm(forms.Form):
    """What sign-up asks beside email and password; allauth calls `signup` with the new user.

    Whoever comes from an invitation goes back to it, and need not name a workspace of their own.
    """

    workspace = forms.CharField(
        label=_("Workspace name"),
        max_length=80,
        validators=[name_check],
        help_text=_("Usually your company's name. You can change it later."),
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    field_order = ("workspace", "email", "password1")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        request = allauth_context.request
        if request and is_invited(request):
            del self.fields["workspace"]
            self.initial.setdefault("email", invited_email(request))

    def signup(self, request: HttpRequest, user: User) -> None:
        if "workspace" in self.fields:
            workspace_create(owner=user, name=self.cleaned_data["workspace"])


def is_invited(request: HttpRequest) -> bool:
    """Whether sign-up leads back to an invitation (`?next=/invitations/`)."""
    target = get_next_redirect_url(request)
    try:
        return target is not None and resolve(target).url_name == "invitation"
    except Resolver404:
        return False


def invited_email(request: HttpRequest) -> str:
    """The address that the visitor's invitation was sent to; empty where there is none."""
    found = find_invitation(request.session.get(INVITATION_KEY, ""))
    return found.email if found else ""


class WorkspaceForm(forms.ModelForm):  # type: ignore[type-arg]
    """A workspace's name, to make one or to rename it."""

    class Meta:
        model = Tenant
        fields = ("name",)
        labels = {"name": _("Workspace name")}


CONTINENTS = (
    *("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/"),
    *("Australia/", "Europe/", "Indian/", "Pacific/"),
)


def time_zones() -> list[tuple[str, str]]:
    """Those that are named by a place, and UTC."""
    places = sorted(each for each in available_timezones() if each.startswith(CONTINENTS))
    return [(name, name.replace("_", " ")) for name in ("UTC", *places)]


class GeneralForm(WorkspaceForm):
    """A workspace's own settings."""

    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=time_zones,
        help_text=_("For the times that are shown here. Months of billing begin by UTC."),
    )
    system_prompt = forms.CharField(
        label=_("System prompt of /v1"),
        required=False,
        max_length=LONGEST_PROMPT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_(
            "What the model is told first, where a program's conversation brings no system "
            "message of its own. It is read, and charged, with each of them."
        ),
    )


class InviteForm(forms.Form):
    """Whom to invite, and as what: at most what the inviter is."""

    email = forms.EmailField(
        label=_("Email address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, by: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"] = forms.ChoiceField(
            label=_("Role"), initial=Role.EDITOR, choices=roles_within(by)
        )


class RoleForm(forms.Form):
    """A member's new role."""

    role = forms.ChoiceField(choices=Role.choices)


def roles_within(member: Membership) -> list[tuple[str, str]]:
    """The roles that this member may give to others."""
    return [(role.value, str(role.label)) for role in Role if member.may(role)]


class ApiKeyForm(forms.Form):
    """A new key: its name, for whom it acts, what it may do and for how long."""

    LIFETIMES = (
        ("30", _("30 days")),
        ("90", _("90 days")),
        ("365", _("One year")),
        ("0", _("Never")),
    )

    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        validators=[name_check],
        help_text=_("What will use the key, for example “Website backend”."),
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"),
        choices=ApiKey.Scope.choices,
        initial=[ApiKey.Scope.READ],
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.TypedChoiceField(
        label=_("Expires after"), choices=LIFETIMES, coerce=int, initial="90"
    )
    role = forms.ChoiceField(
        label=_("Acts for"),
        required=False,
        help_text=_(
            "A key that acts for you may do what your role allows at that moment, and stops "
            "working when you leave. A service account belongs to the workspace and stays."
        ),
    )
    field_order = ("name", "role", "scopes", "days")

    def __init__(self, *args: Any, by: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role = self.fields["role"]
        assert isinstance(role, forms.ChoiceField)
        role.choices = holders(by)


def holders(member: Membership) -> list[tuple[str, Any]]:
    """For whom this member may make keys: service accounts are the owners' to make."""
    own: list[tuple[str, Any]] = [("", _("You"))]
    if not member.may(Role.OWNER):
        return own
    name = _("A service account: {role}")
    return [*own, *((role.value, format_lazy(name, role=role.label)) for role in reversed(Role))]


class AuditFilterForm(forms.Form):
    """Narrows the audit log down."""

    name = forms.CharField(label=_("Action"), max_length=60, required=False)
    user = forms.CharField(label=_("Person"), max_length=254, required=False)
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def rows(self) -> TenantQuerySet[AuditEvent]:
        """The events that fit, newest first; a filter that is no good filters nothing."""
        found: dict[str, str | date] = self.cleaned_data if self.is_valid() else {}
        lookups = {
            "name__startswith": found.get("name"),
            "user__email__icontains": found.get("user"),
            "created_at__date__gte": found.get("since"),
            "created_at__date__lte": found.get("until"),
        }
        chosen = {lookup: value for lookup, value in lookups.items() if value}
        rows: TenantQuerySet[AuditEvent] = AuditEvent.objects.filter(**chosen)
        return rows.select_related("user", "api_key").newest()


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """What others read of a user."""

    class Meta:
        model = User
        fields = ("name",)
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "name"})}
