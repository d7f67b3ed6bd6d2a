"""The billing app."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_delete, post_save
from django.utils.translation import gettext_lazy as _

from saas.navigation import NavEntry, navigation


class BillingConfig(AppConfig):
    name = "tenants.billing"
    label = "billing"

    def ready(self) -> None:
        from tenants.billing.models import Price

        navigation.add(NavEntry("usage", _("Usage"), "chart-column", 90, key="u"))
        for signal in (post_save, post_delete):
            signal.connect(forget_prices, sender=Price)


def forget_prices(**_: Any) -> None:
    """A price that this process changed is told from at once, others learn of it in time."""
    from tenants.billing.prices import price_list

    price_list.forget()
