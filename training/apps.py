"""The training app: what a workspace's copy is written with."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from saas.navigation import NavEntry, navigation


class TrainingConfig(AppConfig):
    name = "training"

    def ready(self) -> None:
        page = NavEntry("model-list", _("Teach"), "graduation-cap", 50, key="m", also="teach/")
        navigation.add(page)
