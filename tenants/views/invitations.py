"""The page behind an invitation's link."""

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from saas.errors import NotAuthenticated
from tenants.models import Invitation, Membership, User
from tenants.scope import tenant_scope
from tenants.services import invitation_accept, invitation_by, refuse_unusable


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """Shows the offer to anybody who has the link; only the invited person can take it."""
    if request.method == "POST":
        return accept(request, secret)
    found = invitation_by(secret)
    if request.user.is_authenticated:
        if found.accepted_at and is_member(request.user, found):
            return redirect(found.tenant)
        with tenant_scope(found.tenant):
            refuse_unusable(found, request.user)
    elif not (found.accepted_at or found.expired):
        # The link went to this address: whoever holds it need not prove the address again.
        get_adapter().stash_verified_email(request, found.email)
    context = {"invitation": found, "inviter": found.invited_by or "Kindling"}
    return render(request, "tenants/invitation.html", context)


def is_member(user: User, found: Invitation) -> bool:
    with tenant_scope(found.tenant):
        return Membership.objects.filter(user=user).exists()


def accept(request: HttpRequest, secret: str) -> HttpResponse:
    if not request.user.is_authenticated:
        raise NotAuthenticated(_("Sign in first."))
    tenant = invitation_accept(secret=secret, user=request.user, request=request)
    messages.success(request, _("Welcome to %(name)s.") % {"name": tenant.name})
    return redirect(tenant)
