"""What the studio's views share: its pages and fragments, and the portal's own helpers."""

from typing import Any

from django.forms import ModelForm
from django.http import HttpResponse

from tenants.billing.errors import LimitReached
from tenants.portal import PortalRequest, attempt, go, posted, rendered

__all__ = ["PortalRequest", "attempt", "go", "page", "posted", "saved"]


def page(
    request: PortalRequest, name: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """A page or fragment that knows what its reader may do."""
    may = request.membership.may
    rights = {"can_edit": may("editor"), "can_approve": may("admin")}
    return rendered(request, f"generation/{name}.html", rights | context, status=status)


def saved(form: "ModelForm[Any]") -> bool:
    """Save a valid form; where the workspace has no room for another, the form says so."""
    try:
        form.save()
    except LimitReached as error:
        form.add_error(None, f"{error} {error.advice}")
        return False
    return True
