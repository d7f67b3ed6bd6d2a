"""The tenants app."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_out


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Workspaces"

    def ready(self) -> None:
        from tenants.operators import leave_at_logout  # models are loaded only now

        user_logged_out.connect(leave_at_logout, dispatch_uid="operators")
