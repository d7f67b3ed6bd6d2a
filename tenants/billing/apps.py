"""The billing app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from saas.navigation import NavEntry, navigation


class BillingConfig(AppConfig):
    name = "tenants.billing"
    label = "billing"

    def ready(self) -> None:
        navigation.add(NavEntry("usage", _("Usage"), "chart-column", 90, key="u"))
