"""The mails that a demo on one's own machine would have sent. Servers do not have this page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tenants.mailbox import newest_mails


@never_cache
@require_safe
def mailbox(request: HttpRequest) -> HttpResponse:
    return render(request, "tenants/mailbox.html", {"mails": newest_mails()})
