"""What can keep a person or a key from a workspace and its membership."""

from django.utils.translation import gettext_lazy as _

from saas.errors import BadRequest, Conflict, Gone, InsufficientRole, TooManyRequests


class KeyInUrl(BadRequest):
    code = "key_in_url"
    advice = _(
        "An API key stood in the URL, where logs and histories keep it. Revoke that key "
        "and send the new one as “Authorization: Bearer …”."
    )


class InvitationForOther(InsufficientRole):
    code = "invitation_for_other"
    advice = _("Sign in with the address that was invited.")


class InvitationUsed(Conflict):
    code = "invitation_used"
    advice = _("An invitation works once. Ask for a new one.")


class InvitationExpired(Gone):
    code = "invitation_expired"
    advice = _("Ask for a new invitation.")


class AlreadyMember(Conflict):
    code = "already_member"
    advice = _("The person belongs to the workspace already.")


class LastOwner(Conflict):
    code = "last_owner"
    advice = _("A workspace keeps at least one owner.")


class TooManyWorkspaces(Conflict):
    code = "too_many_workspaces"
    advice = _("Use a workspace that you have, or make somebody else its owner first.")


class TooManyPasswords(TooManyRequests):
    code, title = "too_many_passwords", _("Too many wrong passwords.")
    advice = _("Wait, or set a new password by the mail that “Forgot your password?” sends.")


class TooManyCodes(TooManyRequests):
    code, title = "too_many_codes", _("Too many wrong codes.")
    advice = _("Wait for “retry_after” seconds before the next code.")
