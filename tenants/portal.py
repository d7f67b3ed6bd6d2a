"""What the portal's views share: the request's type, the way on, and refused steps."""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django_htmx.middleware import HtmxDetails

from saas.csv_cells import disarmed
from saas.errors import AppError
from tenants.http_types import MemberRequest

Done = TypeVar("Done")
# Payment required, conflict, precondition failed, too many: the reader can do something about it.
REFUSALS = {402, 409, 412, 429}


class PortalRequest(MemberRequest):
    """A member asks, perhaps for a fragment only."""

    htmx: HtmxDetails


def rendered(
    request: PortalRequest, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """A page or fragment. A fragment has no place for messages: the last one becomes a toast."""
    response = render(request, template, context, status=status)
    if request.htmx:
        for message in messages.get_messages(request):
            toast = {"text": str(message), "kind": message.level_tag}
            response["HX-Trigger"] = json.dumps({"toast": toast})
    return response


def go(request: PortalRequest, name: str, *args: Any) -> HttpResponseRedirect:
    """On to another page of the workspace, after a change."""
    return HttpResponseRedirect(reverse(name, args=[request.tenant.slug, *args]))


def attempt(request: PortalRequest, step: Callable[[], Done], done: str = "") -> Done | None:
    """Take a step; where the state of things or the credits forbid it, say why and go on."""
    try:
        result = step()
    except AppError as error:
        if error.status not in REFUSALS:
            raise
        messages.error(request, str(error))
        return None
    if done:
        messages.success(request, done)
    return result


def posted(request: PortalRequest) -> QueryDict | None:
    """What was sent, also where it is empty; None for a page that is only looked at."""
    return request.POST if request.method == "POST" else None


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> HttpResponse:
    """A table to save; a cell that a spreadsheet would take for a formula is marked as text."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response)
    writer.writerow(header)
    for row in rows:
        writer.writerow([disarmed(cell) for cell in row])
    return response
