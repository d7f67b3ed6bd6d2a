"""Behind the button of a toast: takes back what was just done."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from saas.errors import AppError
from tenants import undo
from tenants.access import role_required
from tenants.http_types import MemberRequest


@require_POST
@role_required("editor")
def undone(request: MemberRequest, slug: str, token: str) -> HttpResponse:
    """Back to the page that the toast was on."""
    try:
        undo.undo(request, token)
    except AppError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("It is as it was before."))
    back = request.headers.get("Referer", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return redirect(back if safe else request.tenant.get_absolute_url())
