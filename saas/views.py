"""Pages that belong to no workspace: the front page and the style page."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _

from saas.navigation import WORKSPACES, navigation
from saas.shell import Shell

SWATCHES = [
    "canvas",
    "surface",
    "sunken",
    "hover",
    "raised",
    "line",
    "line-strong",
    "text",
    "muted",
    "faint",
    "accent",
    "accent-strong",
    "accent-soft",
    "success",
    "success-soft",
    "warning",
    "warning-soft",
    "danger",
    "danger-soft",
    "info",
    "info-soft",
]


def front(request: HttpRequest) -> HttpResponse:
    """Visitors see what Kindling is; members go to the workspace they were in last."""
    if not request.user.is_authenticated:
        return render(request, "saas/landing.html")
    slug = Shell(request).slug
    return redirect(navigation.home(slug) if slug else navigation.first(WORKSPACES))


class SampleForm(forms.Form):
    """One field of each kind, for the style page."""

    name = forms.CharField(label=_("Name"), max_length=60, help_text=_("As your readers know it."))
    email = forms.EmailField(label=_("Email"))
    tone = forms.ChoiceField(label=_("Tone"), choices=[("warm", _("Warm")), ("dry", _("Dry"))])
    headline = forms.CharField(label=_("Headline"), required=False)
    about = forms.CharField(label=_("About"), widget=forms.Textarea, required=False)
    reach = forms.ChoiceField(
        label=_("Reach"), choices=[("a", _("City")), ("b", _("World"))], widget=forms.RadioSelect
    )
    keep = forms.BooleanField(label=_("Keep me posted"), required=False)


def design(request: HttpRequest) -> HttpResponse:
    """Every component on one page, for operators and while developing."""
    if not (settings.DEBUG or getattr(request.user, "is_staff", False)):
        raise Http404
    context: dict[str, Any] = {
        "form": SampleForm(),
        "refused": SampleForm({"email": "not an address"}, prefix="refused"),
        "swatches": SWATCHES,
        "page_obj": Paginator(range(95), 20).page(2),
    }
    return render(request, "saas/design.html", context)
