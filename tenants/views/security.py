"""The step before a second factor: confirming one's address."""

from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.models import EmailAddress
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tenants.allauth_adapter import AFTER_CONFIRMING


@require_POST
@login_required
def confirm_address(request: HttpRequest) -> HttpResponse:
    """Send the mail; its link leads on to the set-up of the authenticator app."""
    address = EmailAddress.objects.filter(user=request.user, verified=False).first()
    if address is None:
        return redirect("mfa_activate_totp")
    request.session[AFTER_CONFIRMING] = "mfa_activate_totp"
    if send_verification_email_to_address(request, address):
        text = _("We sent a mail to %s. Its link leads back here, to the set-up.")
        messages.info(request, text % address.email)
    return redirect("mfa_index")
