"""The billing app."""

from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.db.models.signals import post_delete, post_save
from django.utils.translation import gettext_lazy as _

from saas.navigation import NavEntry, navigation


class BillingConfig(AppConfig):
    name = "tenants.billing"
    label = "billing"

    def ready(self) -> None:
        from saas.api import throttling
        from saas.api.sections import Section, add_section
        from tenants.billing import limits
        from tenants.billing.limits import Limit
        from tenants.billing.models import Price

        navigation.add(NavEntry("usage", _("Usage"), "chart-column", 90, key="u"))
        limits.register(Limit("monthly_credits", _("Credits a month"), 1_000))
        limits.register(Limit("requests", _("API requests a minute"), 600))
        limits.register(Limit("storage_bytes", _("Stored bytes"), 20 * 2**30))
        throttling.provide_quotas(limits.limits)
        add_section(Section("billing", _("Usage and credits"), order=70))
        checks.register(limits.check_names)
        for signal in (post_save, post_delete):
            signal.connect(forget_prices, sender=Price)


def forget_prices(**_: Any) -> None:
    """A price that this process changed is told from at once, others learn of it in time."""
    from tenants.billing.prices import price_list

    price_list.forget()
