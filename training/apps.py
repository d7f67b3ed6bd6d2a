"""The training app: what a workspace's copy is written with."""

from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from saas.api.body import allow_large_body
from saas.navigation import NavEntry, navigation

UPLOADS = (r"/api/v1/models/?", r"/w/[\w-]+/teach/models/import/")


class TrainingConfig(AppConfig):
    name = "training"

    def ready(self) -> None:
        page = NavEntry("model-list", _("Teach"), "graduation-cap", 50, key="m", also="teach/")
        navigation.add(page)
        for path in UPLOADS:
            allow_large_body(path, settings.MAX_ADAPTER_BYTES)
