"""Who belongs to the workspace: members, their roles, and invitations on their way."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from saas.api.limiter import Charge, Policy
from saas.api.throttling import charge
from saas.errors import BadRequest, Conflict
from tenants import services
from tenants.access import role_required
from tenants.forms import InviteForm, RoleForm, roles_within
from tenants.http_types import MemberRequest
from tenants.models import ApiKey, Invitation, Membership, Role

# Mails to strangers in our name: so many an hour from one workspace.
MAIL = Charge(Policy("invitations", quota=30, window=3600))


@require_safe
def team(request: MemberRequest, slug: str) -> HttpResponse:
    return render(request, "tenants/team.html", team_page(request))


def team_page(request: MemberRequest, form: InviteForm | None = None) -> dict[str, Any]:
    """What the page shows; the form keeps what was typed into it."""
    me = request.membership
    manages = me.may(Role.ADMIN)
    members = Membership.objects.select_related("user").order_by("created_at", "pk")
    keys = ApiKey.objects.personal().live().count_by_maker()
    return {
        "form": form or InviteForm(by=me),
        "members": [
            (member, manages and me.may(member.role), keys.get(member.user_id, 0))
            for member in members
        ],
        "invitations": Invitation.objects.open().newest() if manages else [],
        "manages": manages,
        "roles": roles_within(me),
    }


@require_POST
@role_required("admin")
def member_role(request: MemberRequest, slug: str, pk: UUID) -> HttpResponse:
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise BadRequest
    role = form.cleaned_data["role"]
    member = services.member_change_role(member_id=pk, role=role)
    done = {"name": member.user.display_name, "role": Role(role).label}
    messages.success(request, _("%(name)s is now: %(role)s.") % done)
    return redirect("team", slug=slug)


@require_POST
def member_remove(request: MemberRequest, slug: str, pk: UUID) -> HttpResponse:
    """Admins remove others; anybody may leave."""
    member = services.member_remove(member_id=pk)
    if member.user_id == request.user.pk:
        messages.success(request, _("You have left %(name)s.") % {"name": request.tenant.name})
        return redirect("/")
    removed = {"name": member.user.display_name}
    messages.success(request, _("%(name)s is no longer a member.") % removed)
    return redirect("team", slug=slug)


@never_cache
@require_POST
@role_required("admin")
def invite(request: MemberRequest, slug: str) -> HttpResponse:
    charge(request, [MAIL])
    form = InviteForm(request.POST, by=request.membership)
    if form.is_valid():
        try:
            sent = services.invitation_send(**form.cleaned_data)
        except Conflict as conflict:  # a member already: said beside the field
            form.add_error("email", conflict.detail)
        else:
            return sent_page(request, *sent)
    return render(request, "tenants/team.html", team_page(request, form), status=422)


@never_cache
@require_POST
@role_required("admin")
def invitation_resend(request: MemberRequest, slug: str, pk: UUID) -> HttpResponse:
    charge(request, [MAIL])
    sent = services.invitation_resend(invitation_id=pk)
    return sent_page(request, *sent)


def sent_page(request: MemberRequest, invitation: Invitation, link: str) -> HttpResponse:
    """The link stands in the answer to the POST alone: it is in no session and no log."""
    context = {**team_page(request), "sent": invitation, "link": link}
    return render(request, "tenants/team.html", context, status=201)


@require_POST
@role_required("admin")
def invitation_revoke(request: MemberRequest, slug: str, pk: UUID) -> HttpResponse:
    services.invitation_revoke(invitation_id=pk)
    messages.success(request, _("The invitation was taken back."))
    return redirect("team", slug=slug)
