"""The jobs app."""

from django.apps import AppConfig
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from saas.diagnosis import register_check
from saas.navigation import navigation


class JobsConfig(AppConfig):
    name = "tenants.jobs"
    label = "jobs"

    def ready(self) -> None:
        from tenants import retention
        from tenants.billing import limits
        from tenants.billing.limits import Limit
        from tenants.jobs import receivers  # noqa: F401  (connects them)
        from tenants.jobs.diagnosis import queues
        from tenants.jobs.services import forget_jobs
        from tenants.retention import Retention

        register_check("queues", queues)
        retention.register(Retention("jobs", 30, forget_jobs))
        limits.register(Limit("queued_jobs", _("Waiting jobs"), 1_000))
        limits.register(Limit("running_jobs", _("Jobs at the same time"), 256))
        navigation.provide("running_jobs", running_jobs)
        navigation.add_fragment("topbar", "jobs/_button.html")
        navigation.add_fragment("dialogs", "jobs/_dialog.html")


def running_jobs(request: HttpRequest) -> int:
    """How many jobs of the page's workspace wait or run; on a page of none, 0."""
    from tenants.jobs.services import jobs_running  # models are loaded later than apps

    return jobs_running() if hasattr(request, "membership") else 0
