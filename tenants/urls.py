"""Addresses of workspaces, members, invitations, API keys, the audit log and one's profile."""

from django.conf import settings
from django.urls import include, path

from tenants.views import (
    api_keys,
    audit,
    invitations,
    mailbox,
    profile,
    search,
    security,
    team,
    undo,
    workspace,
)

# /w/<slug>/settings/
settings_urls = [
    path("general/", workspace.settings_general, name="settings-general"),
    path("team/", team.team, name="team"),
    path("team/invite/", team.invite, name="team-invite"),
    path("team/members/<uuid:pk>/role/", team.member_role, name="member-role"),
    path("team/members/<uuid:pk>/remove/", team.member_remove, name="member-remove"),
    path("team/invitations/<uuid:pk>/resend/", team.invitation_resend, name="invitation-resend"),
    path("team/invitations/<uuid:pk>/revoke/", team.invitation_revoke, name="invitation-revoke"),
    path("api-keys/", api_keys.api_keys, name="api-keys"),
    path("api-keys/<uuid:pk>/revoke/", api_keys.api_key_revoked, name="api-key-revoke"),
    path("audit/", audit.audit, name="audit"),
    path("audit.csv", audit.audit_csv, name="audit-csv"),
]

urlpatterns = [
    path("workspaces/new/", workspace.workspace_new, name="workspace-new"),
    path("invitations/", invitations.invitation, name="invitation"),
    path("invitations/switch/", invitations.switch_account, name="invitation-switch"),
    path("invitations/<str:token>/", invitations.follow_link, name="invitation-link"),
    path("account/security/confirm/", security.confirm_address, name="confirm-address"),
    path("account/profile/", profile.profile, name="profile"),
    path("w/<slug:slug>/undo/<slug:token>/", undo.undone, name="undo"),
    path("w/<slug:slug>/search/", search.search, name="search"),
    path("w/<slug:slug>/settings/", include(settings_urls)),
]
if settings.MAILBOX:
    urlpatterns.append(path("mailbox/", mailbox.mailbox, name="mailbox"))
