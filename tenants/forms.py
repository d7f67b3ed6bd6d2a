"""Forms for signing up and for making a workspace."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tenants.models import User
from tenants.services import workspace_create


class WorkspaceSignupForm(forms.Form):
    """What sign-up asks beside e-mail and password; allauth calls `signup` with the new user."""

    workspace = forms.CharField(
        label=_("Workspace name"),
        max_length=80,
        help_text=_("Usually your company's name. You can change it later."),
    )
    field_order = ("workspace", "email", "password1")

    def signup(self, request: HttpRequest, user: User) -> None:
        workspace_create(owner=user, name=self.cleaned_data["workspace"])

    def clean_workspace(self) -> Any:
        return self.cleaned_data["workspace"].strip()
