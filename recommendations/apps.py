"""The recommendations app: what a site shows to whom."""

from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from saas.navigation import NavEntry, navigation

# Micro-credits for one of each.
METERS = (
    ("recommendations", _("Recommendations"), 1_000),
    ("events", _("Events"), 50),
)
LIMITS = (
    ("collected", _("Requests with a public key a minute"), 6_000),
    ("items", _("Items"), 1_000_000),
)
# Where whole files may be sent to.
IMPORTS = (
    r"/api/v1/(?:items|interactions)/imports/?",
    r"/w/[-a-zA-Z0-9_]+/recommend/import/(?:items|interactions)/",
)


class RecommendationsConfig(AppConfig):
    name = "recommendations"

    def ready(self) -> None:
        from recommendations.api.collect import base as collect
        from recommendations.api.gorse import base as gorse
        from recommendations.api.gorse.section import SECTION as GORSE
        from recommendations.api.recombee import base as recombee
        from recommendations.api.recombee.section import SECTION as RECOMBEE
        from saas.api.body import allow_large_body
        from saas.api.sections import add_section
        from saas.errors import PROBLEM_FORMAT, ErrorFormat, format_errors
        from tenants.authentication import authenticate_below
        from tenants.billing import limits, meters
        from tenants.jobs.registry import JobKind, register

        for name, label, price in METERS:
            meters.register(meters.Meter(name, label=label, price=price))
        add_section(GORSE)
        add_section(RECOMBEE)
        authenticate_below(recombee.PREFIX, recombee.authenticate)
        format_errors(recombee.PREFIX, ErrorFormat(recombee.told, recombee.recombee_status))
        for limit in LIMITS:
            limits.register(limits.Limit(*limit))
        authenticate_below(collect.PREFIX, collect.authenticate)
        format_errors(collect.PREFIX, PROBLEM_FORMAT)
        authenticate_below(gorse.PREFIX, gorse.authenticate)
        format_errors(gorse.PREFIX, ErrorFormat(status=gorse.gorse_status))
        navigation.add(NavEntry("recommend", _("Recommend"), "sparkles", 60, key="r"))
        for path in IMPORTS:
            allow_large_body(path, settings.MAX_DATASET_BYTES)
        register(
            JobKind(
                name="recommend.import",
                label=_("Reading items or events"),
                queue="score",
                handler="recommendations.tasks.import_rows",
            )
        )
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
