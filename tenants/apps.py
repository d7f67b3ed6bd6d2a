"""The tenants app."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_out
from django.utils.translation import gettext_lazy as _

from saas.diagnosis import register_check
from saas.navigation import ACCOUNT, SETTINGS, WORKSPACES, NavEntry, navigation
from tenants.event_types import register

PAGES = (
    NavEntry("settings-general", _("General"), "settings", 10, SETTINGS, role="admin", key="s"),
    NavEntry("team", _("Team"), "users", 40, SETTINGS, key="t"),
    NavEntry("api-keys", _("API keys"), "key-round", 60, SETTINGS, role="admin", key="k"),
    NavEntry("audit", _("Audit log"), "history", 80, SETTINGS, role="admin"),
    NavEntry("profile", _("Profile"), "user", 10, ACCOUNT),
    NavEntry("workspace-new", _("New workspace"), "plus", 10, WORKSPACES),
)


EVENTS = {
    "workspace.created": _("Workspace created"),
    "workspace.renamed": _("Workspace renamed"),
    "workspace.time_zone": _("Time zone changed"),
    "workspace.system_prompt": _("System prompt changed"),
    "member.joined": _("Member joined"),
    "member.left": _("Member left"),
    "member.removed": _("Member removed"),
    "member.role_changed": _("Role changed"),
    "invitation.sent": _("Invitation sent"),
    "invitation.resent": _("Invitation sent again"),
    "invitation.revoked": _("Invitation taken back"),
    "api_key.issued": _("API key made"),
    "api_key.revoked": _("API key revoked"),
    "operator.entered": _("Operator entered"),
    "operator.left": _("Operator left"),
    "operator.added": _("Added by an operator"),
    "operator.changed": _("Changed by an operator"),
    "operator.deleted": _("Deleted by an operator"),
}


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Workspaces"

    def ready(self) -> None:
        from tenants import retention, undo
        from tenants.diagnosis import isolation
        from tenants.lookups import workspaces_seen_by  # models are loaded only now
        from tenants.operators import leave_at_logout
        from tenants.retention import Retention, forget_sessions
        from tenants.views.search import people

        register_check("isolation", isolation)
        retention.register(Retention("sessions", 0, forget_sessions, of_workspaces=False))
        user_logged_out.connect(leave_at_logout, dispatch_uid="operators")
        navigation.workspaces_of = workspaces_seen_by
        navigation.add_search(people)
        undo.register("restore", undo.restore)
        for page in PAGES:
            navigation.add(page)
        register(EVENTS)
