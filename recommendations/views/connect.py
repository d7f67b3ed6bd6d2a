"""How a site is connected: the script with its public key, and tokens for other clients."""

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from recommendations.services.keys import (
    KINDS,
    database_id,
    public_key_issue,
    public_text,
    signing_token_issue,
)
from saas.keyring import Unreadable
from tenants.access import role_required
from tenants.models import ApiKey
from tenants.portal import PortalRequest, go, rendered
from tenants.services import api_key_revoke
from tenants.validators import name_check

MOST_ORIGINS = 20


def origin_of(text: str) -> str:
    """An origin as browsers write it; raises ValidationError for anything else."""
    parts = urlsplit(text.strip().rstrip("/").lower())
    bare = f"{parts.scheme}://{parts.netloc}"
    fits = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    if not fits or bare != text.strip().rstrip("/").lower() or len(bare) > 300 or "*" in bare:
        raise forms.ValidationError(
            _("“%s” is no origin. Give the scheme and host alone, such as https://shop.example.")
            % text[:100]
        )
    return bare


class PublicKeyForm(forms.Form):
    """A new public key: a name and the origins of its pages."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=80, validators=[name_check], initial="Website"
    )
    origins = forms.CharField(
        label=gettext_lazy("Origins"),
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "https://shop.example"}),
        help_text=gettext_lazy("One a line. Pages of other origins cannot use the key."),
    )

    def clean_origins(self) -> list[str]:
        given = self.cleaned_data["origins"].split()
        if len(given) > MOST_ORIGINS:
            raise forms.ValidationError(_("Give at most %d origins.") % MOST_ORIGINS)
        return list(dict.fromkeys(map(origin_of, given)))


class TokenForm(forms.Form):
    """A new signing token."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80, validators=[name_check])


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key and how it reads in a page; empty where it cannot be decrypted any more."""

    key: ApiKey
    text: str


@never_cache
@require_GET
def connect(request: PortalRequest, slug: str) -> HttpResponse:
    return connect_page(request)


def connect_page(
    request: PortalRequest,
    public: PublicKeyForm | None = None,
    token: TokenForm | None = None,
    issued: tuple[ApiKey, str] | None = None,
) -> HttpResponse:
    keys = ApiKey.objects.filter(kind__in=KINDS).select_related("created_by").newest()
    live = [key for key in keys if key.live]
    context = {
        "public_keys": [shown(key) for key in live if key.kind == ApiKey.Kind.PUBLIC],
        "tokens": [(key, database_id(key)) for key in live if key.kind == ApiKey.Kind.SIGNING],
        "public_form": public or PublicKeyForm(),
        "token_form": token or TokenForm(),
        "issued": issued,
        "issued_database": database_id(issued[0]) if issued else "",
        "origin": settings.PUBLIC_URL,
        "host": urlsplit(settings.PUBLIC_URL).netloc,
        "can_manage": request.membership.may("admin"),
    }
    wrong = any(form and form.errors for form in (public, token))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
    return rendered(request, "recommendations/connect.html", context, status=status)


def shown(key: ApiKey) -> PublicKey:
    try:
        return PublicKey(key, public_text(key))
    except Unreadable:
        return PublicKey(key, "")


@require_POST
@role_required("admin")
def public_key_new(request: PortalRequest, slug: str) -> HttpResponse:
    form = PublicKeyForm(request.POST)
    if not form.is_valid():
        return connect_page(request, public=form)
    key = public_key_issue(**form.cleaned_data)
    messages.success(request, _("“%s” is ready. Copy the script into your pages.") % key.name)
    return go(request, "recommend-connect")


@never_cache
@require_POST
@role_required("admin")
def signing_token_new(request: PortalRequest, slug: str) -> HttpResponse:
    """The token stands in the answer to this alone: it is in no session and no log."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return connect_page(request, token=form)
    return connect_page(request, issued=signing_token_issue(**form.cleaned_data))


@require_POST
@role_required("admin")
def key_revoked(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    key = get_object_or_404(ApiKey, pk=pk, kind__in=KINDS)
    api_key_revoke(key_id=key.pk)
    messages.success(request, _("“%(name)s” no longer works.") % {"name": key.name})
    return go(request, "recommend-connect")
