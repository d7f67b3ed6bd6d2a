"""The training app: what a workspace's copy is written with."""

from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from saas.api.body import allow_large_body
from saas.navigation import NavEntry, navigation
from tenants import event_types as events

UPLOADS = (r"/api/v1/models/?", r"/w/[\w-]+/teach/models/import/")

EVENTS = {
    "model.imported": _("Model imported"),
    "model.promoted": _("Model went live"),
    "model.rolled_back": _("Model stepped back"),
    "model.quarantined": _("Model put on hold"),
    "model.resumed": _("Model taken off hold"),
    "model.erased": _("Model deleted"),
}


class TrainingConfig(AppConfig):
    name = "training"

    def ready(self) -> None:
        from tenants.billing import limits
        from training.models import ModelVersion

        limits.register(limits.Limit("models", _("Models"), 100))
        limits.register_store(lambda: ModelVersion.objects.kept().bytes())
        page = NavEntry("model-list", _("Teach"), "graduation-cap", 50, key="m", also="teach/")
        navigation.add(page)
        events.register(EVENTS)
        for path in UPLOADS:
            allow_large_body(path, settings.MAX_ADAPTER_BYTES)
