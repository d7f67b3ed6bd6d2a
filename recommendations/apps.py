"""The recommendations app: what a site shows to whom."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from saas.navigation import NavEntry, navigation

# Micro-credits for one of each.
METERS = (
    ("recommendations", _("Recommendations"), 1_000),
    ("events", _("Events"), 50),
)


class RecommendationsConfig(AppConfig):
    name = "recommendations"

    def ready(self) -> None:
        from tenants.billing import meters
        from tenants.jobs.registry import JobKind, register

        for name, label, price in METERS:
            meters.register(meters.Meter(name, label=label, price=price))
        navigation.add(NavEntry("recommend", _("Recommend"), "sparkles", 60, key="r"))
        register(
            JobKind(
                name="recommend.fit",
                label=_("Learning from events"),
                queue="score",
                handler="recommendations.tasks.fit_ranking_model",
                request_due="recommendations.services.fitting.fitting_request_due",
                messages={
                    "internal_error": gettext_noop(
                        "Learning stopped unexpectedly. What was learnt before still serves."
                    )
                },
            )
        )
