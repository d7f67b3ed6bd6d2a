"""What changes more than one row of a workspace at once, or reaches outside it."""

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.signing import Signer
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from saas.errors import NotAuthenticated, NotFound
from tenants.actors import acting, current_actor, require
from tenants.authentication import refuse_closed
from tenants.errors import (
    AlreadyMember,
    InvitationExpired,
    InvitationForOther,
    InvitationUsed,
    LastOwner,
    TooManyWorkspaces,
)
from tenants.events import record
from tenants.lookups import find_invitation, workspaces_of
from tenants.mail import mail_on_commit
from tenants.models import ApiKey, Invitation, Membership, Role, Tenant, User
from tenants.quotas import refuse_more_invitations, refuse_more_made
from tenants.scope import current_tenant_id, tenant_scope

# Where the session keeps the hash of the invitation's secret that a visitor came with.
INVITATION_KEY = "invitation"
# Signs the secret in a mail: whoever comes with the signature reads that address's mail.
MAILED = Signer(sep=".", salt="tenants.invitation")


@transaction.atomic
def workspace_create(*, owner: User, name: str, slug: str = "") -> Tenant:
    """A new workspace with its first member; raises TooManyWorkspaces."""
    refuse_more_workspaces(owner)
    refuse_more_made(owner.pk)
    tenant = Tenant(name=name, slug=slug or fresh_slug(name))
    with tenant_scope(tenant), acting(replace(current_actor(), user=owner)):
        tenant.save(force_insert=True)
        Membership.objects.create(user=owner, role=Role.OWNER)
        record("workspace.created", tenant, slug=tenant.slug)
    return tenant


def refuse_more_workspaces(owner: User) -> None:
    """Each free workspace comes with credits, so a person owns so many and no more.

    That holds for those that others hand over too: it is the person's credits that add up.
    """
    User.objects.select_for_update().get(pk=owner.pk)
    most = settings.FREE_WORKSPACES_PER_PERSON
    owned = [found for found in workspaces_of(owner.pk) if found.role == Role.OWNER]
    if len(owned) >= most:
        raise TooManyWorkspaces(_owns_enough(owner, most), allowed=most)


def _owns_enough(owner: User, most: int) -> str:
    if current_actor().user not in (None, owner):
        who = {"who": owner.display_name}
        return _("%(who)s owns as many workspaces as one person may have for free.") % who
    return ngettext(
        "You own %(most)d workspace, as many as one person may have for free.",
        "You own %(most)d workspaces, as many as one person may have for free.",
        most,
    ) % {"most": most}


def fresh_slug(name: str) -> str:
    """An address for the workspace: its name, and a few random letters against collisions."""
    return f"{slugify(name)[:50].strip('-') or 'workspace'}-{secrets.token_hex(2)}"


@transaction.atomic
def workspace_rename(*, tenant: Tenant, name: str) -> None:
    """Change the workspace's name; its address stays, so that links keep working."""
    before, tenant.name = tenant.name, name
    tenant.save(update_fields=["name"])
    record("workspace.renamed", tenant, before=before, after=name)


def workspace_set_time_zone(*, tenant: Tenant, time_zone: str) -> None:
    """Change in which zone the portal writes times."""
    before, tenant.time_zone = tenant.time_zone, time_zone
    tenant.save(update_fields=["time_zone"])
    record("workspace.time_zone", tenant, before=before, after=time_zone)


@transaction.atomic
def workspace_set_system_prompt(*, tenant: Tenant, text: str) -> None:
    """Change what /v1 tells the model first; the audit log keeps its length alone."""
    before, tenant.system_prompt = len(tenant.system_prompt), text
    tenant.save(update_fields=["system_prompt"])
    record("workspace.system_prompt", tenant, before=before, after=len(text))


def lock_members() -> None:
    """Let one change of members at a time through: each then counts owners that stay owners."""
    Tenant.objects.select_for_update(no_key=True).get(pk=current_tenant_id())


def member_of(pk: Any) -> Membership:
    """One member of the workspace in scope, with the user loaded."""
    rows = Membership.objects.select_related("user")
    member: Membership | None = rows.filter(pk=pk).first()
    if member is None:
        raise NotFound
    return member


def keep_an_owner(leaving: Membership) -> None:
    others = Membership.objects.owners().exclude(pk=leaving.pk)
    if leaving.role == Role.OWNER and not others.exists():
        raise LastOwner(_("A workspace needs an owner. Make somebody else an owner first."))


@transaction.atomic
def member_change_role(*, member_id: Any, role: str) -> Membership:
    """Give a member another role. Nobody gives or takes a role above their own."""
    lock_members()
    member = member_of(member_id)
    require(Role.ADMIN, member.role, role)
    if role != Role.OWNER:
        keep_an_owner(member)
    elif member.role != Role.OWNER:
        refuse_more_workspaces(member.user)
    before, member.role = member.role, role
    member.save(update_fields=["role", "updated_at"])
    record("member.role_changed", member.user, before=before, after=role)
    return member


@transaction.atomic
def member_remove(*, member_id: Any) -> Membership:
    """End somebody's membership, one's own included: their next request is refused, by key too."""
    lock_members()
    member = member_of(member_id)
    leaves = member.user == current_actor().user
    if not leaves:
        require(Role.ADMIN, member.role)
    keep_an_owner(member)
    keys = ApiKey.objects.personal().live().filter(created_by=member.user).revoke()
    member.delete()
    name = "member.left" if leaves else "member.removed"
    record(name, member.user, role=member.role, revoked_keys=keys)
    return member


@transaction.atomic
def invitation_send(*, email: str, role: str) -> tuple[Invitation, str]:
    """Invite somebody by email; a second invitation to the same address replaces the first.

    Returns a link to pass on as well, which can be read this once.
    """
    lock_members()
    require(Role.ADMIN, role)
    email = email.lower()
    if Membership.objects.filter(user__email__iexact=email).exists():
        raise AlreadyMember(_("This person is a member already."))
    invitation = Invitation.objects.open().filter(email=email).first()
    invitation = invitation or Invitation(email=email)
    invitation.role = role
    link = _mail_invitation(invitation)
    record("invitation.sent", invitation, role=role)
    return invitation, link


@transaction.atomic
def invitation_resend(*, invitation_id: Any) -> tuple[Invitation, str]:
    """Send the mail again with a fresh link, which is returned too; the old link is dead."""
    invitation = _open_invitation(invitation_id)
    require(Role.ADMIN, invitation.role)
    link = _mail_invitation(invitation)
    record("invitation.resent", invitation)
    return invitation, link


@transaction.atomic
def invitation_revoke(*, invitation_id: Any) -> Invitation:
    """Take an invitation back before it is used."""
    invitation = _open_invitation(invitation_id)
    require(Role.ADMIN, invitation.role)
    record("invitation.revoked", invitation)
    invitation.delete()
    return invitation


def _open_invitation(pk: Any) -> Invitation:
    rows = Invitation.objects.select_for_update().open()
    invitation: Invitation | None = rows.filter(pk=pk).first()
    if invitation is None:
        raise NotFound
    return invitation


def _mail_invitation(invitation: Invitation) -> str:
    """Mail a fresh link; returns another one, by which anybody may have come."""
    actor = current_actor()
    refuse_more_invitations(actor, to=invitation.email)
    invitation.invited_by = actor.user
    secret = invitation.renew()
    context = {
        "invitation": invitation,
        "tenant": invitation.tenant,
        "inviter": invitation.invited_by,
        "url": _invitation_url(MAILED.sign(secret)),
        "days": Invitation.LIFETIME // timedelta(days=1),
    }
    mail_on_commit(template="tenants/email/invitation", to=invitation.email, context=context)
    return _invitation_url(secret)


def _invitation_url(token: str) -> str:
    return f"{settings.PUBLIC_URL}{reverse('invitation-link', args=[token])}"


def invitation_by(secret_sha256: str) -> Invitation:
    """The invitation behind a link, its workspace loaded; raises where there is none any more."""
    invitation = find_invitation(secret_sha256)
    if invitation is None:
        raise NotFound
    with tenant_scope(invitation.workspace_id):
        invitation.tenant = Tenant.objects.get(pk=invitation.workspace_id)
    refuse_closed(invitation.tenant)
    return invitation


@transaction.atomic
def invitation_accept(*, secret_sha256: str) -> Tenant:
    """Make the invited person a member: once, in time, and nobody else."""
    user = current_actor().user
    if user is None:
        raise NotAuthenticated(_("Sign in first."))
    tenant = invitation_by(secret_sha256).tenant
    with tenant_scope(tenant):
        lock_members()
        invitation = Invitation.objects.select_for_update().get(secret_sha256=secret_sha256)
        refuse_unusable(invitation, user)
        if invitation.role == Role.OWNER:
            refuse_more_workspaces(user)
        invitation.accepted_at = timezone.now()
        invitation.save(update_fields=["accepted_at", "updated_at"])
        Membership.objects.create(user=user, role=invitation.role)
        record("member.joined", user, role=invitation.role)
    return tenant


def refuse_unusable(invitation: Invitation, user: User) -> None:
    """Raise what keeps this user from using the invitation, if anything does."""
    if not invitation.is_for(user):
        detail = _("This invitation was sent to another email address than yours.")
        raise InvitationForOther(detail)
    refuse_spent(invitation)
    if Membership.objects.filter(user=user).exists():
        raise AlreadyMember(_("You are a member of this workspace already."))


def refuse_spent(invitation: Invitation) -> None:
    """Raise where nobody can use the invitation any more."""
    if invitation.accepted_at:
        raise InvitationUsed(_("This invitation was used already."))
    if invitation.expired:
        raise InvitationExpired(_("This invitation has expired. Ask for a new one."))


@transaction.atomic
def api_key_issue(*, name: str, scopes: list[str], days: int, role: str = "") -> tuple[ApiKey, str]:
    """A new API key, for so many days or for ever (0), and its secret, to be read this once.

    Without a role it is a personal one; a service account's, with a role, is an owner's to make.
    """
    require(Role.OWNER if role else Role.ADMIN)
    key, secret = ApiKey.issue(
        name=name,
        scopes=scopes,
        role=role,
        expires_at=timezone.now() + timedelta(days=days) if days else None,
        created_by=current_actor().user,
    )
    record("api_key.issued", key, scopes=scopes, role=role)
    return key, secret


@transaction.atomic
def api_key_revoke(*, key_id: Any) -> ApiKey:
    """Stop a key from working, for good."""
    require(Role.ADMIN)
    key: ApiKey | None = ApiKey.objects.select_for_update().filter(pk=key_id).first()
    if key is None:
        raise NotFound
    if key.revoked_at is None:
        key.revoke()
        record("api_key.revoked", key)
    return key
