"""The pages behind an invitation's link.

The link's secret leaves the address at once: the session keeps its hash, so that the secret stands
in no referrer, no `?next=` and no log of the pages that follow.
"""

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth import logout
from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from saas.errors import NotFound
from tenants.models import Invitation, Membership, User, sha256
from tenants.scope import tenant_scope
from tenants.services import (
    INVITATION_KEY,
    MAILED,
    invitation_accept,
    invitation_by,
    refuse_spent,
    refuse_unusable,
)


@never_cache
@require_safe
def follow_link(request: HttpRequest, token: str) -> HttpResponse:
    """Where a link leads: on to the invitation, without its secret."""
    secret, by_mail = read_token(token)
    found = invitation_by(sha256(secret))
    request.session[INVITATION_KEY] = found.secret_sha256
    if by_mail and not (request.user.is_authenticated or found.accepted_at or found.expired):
        # This link went to the address alone: whoever holds it need not prove the address again.
        get_adapter().stash_verified_email(request, found.email)
    return redirect("invitation")


def read_token(token: str) -> tuple[str, bool]:
    """The secret in a link, and whether the link was mailed, not passed on by the inviter."""
    try:
        return MAILED.unsign(token), True
    except BadSignature:
        return token, False


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest) -> HttpResponse:
    """Shows the offer to anybody who came by the link; only the invited person can take it."""
    secret_sha256 = request.session.get(INVITATION_KEY)
    if secret_sha256 is None:
        raise NotFound(_("Open the link in your invitation mail again."))
    if request.method == "POST":
        return accept(request, secret_sha256)
    found = invitation_by(secret_sha256)
    if request.user.is_authenticated:
        if found.accepted_at and is_member(request.user, found):
            return redirect(found.tenant)
        if not found.is_for(request.user):
            return offer(request, found, "tenants/invitation_other.html", status=403)
        with tenant_scope(found.tenant):
            refuse_unusable(found, request.user)
    else:
        refuse_spent(found)
    return offer(request, found, "tenants/invitation.html")


def offer(
    request: HttpRequest, found: Invitation, template: str, *, status: int = 200
) -> HttpResponse:
    context = {"invitation": found, "inviter": found.invited_by or "Kindling"}
    return render(request, template, context, status=status)


def is_member(user: User, found: Invitation) -> bool:
    with tenant_scope(found.tenant):
        return Membership.objects.filter(user=user).exists()


def accept(request: HttpRequest, secret_sha256: str) -> HttpResponse:
    tenant = invitation_accept(secret_sha256=secret_sha256)
    del request.session[INVITATION_KEY]
    messages.success(request, _("Welcome to %(name)s.") % {"name": tenant.name})
    return redirect(tenant)


@require_POST
def switch_account(request: HttpRequest) -> HttpResponse:
    """Sign out, keep the invitation, and sign in as somebody else."""
    secret_sha256 = request.session.get(INVITATION_KEY)
    logout(request)
    if secret_sha256:
        request.session[INVITATION_KEY] = secret_sha256
    query = urlencode({"next": reverse("invitation")})
    return redirect(f"{reverse('account_login')}?{query}")
