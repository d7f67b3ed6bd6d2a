"""The training app: what a workspace's copy is written with."""

from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from saas.api.body import allow_large_body
from saas.navigation import NavEntry, navigation
from tenants import event_types as events

UPLOADS = (r"/api/v1/models/?", r"/w/[\w-]+/teach/models/import/")
ROW_FILES = (
    r"/v1/files/?",
    r"/api/v1/datasets/[^/]+/imports/?",
    r"/w/[\w-]+/teach/datasets/[^/]+/import/",
)

EVENTS = {
    "dataset.created": _("Dataset created"),
    "dataset.deleted": _("Dataset deleted"),
    "dataset.follows": _("Dataset follows your work"),
    "training_file.uploaded": _("File to learn from uploaded"),
    "training_file.deleted": _("File to learn from deleted"),
    "training.requested": _("Training ordered"),
    "training.paused": _("Training paused"),
    "training.resumed": _("Training resumed"),
    "model.imported": _("Model imported"),
    "model.taught": _("Model taught"),
    "model.alias_set": _("Name given to a model"),
    "model.alias_removed": _("Name taken from a model"),
    "model.confidence_set": _("Confidence for models changed"),
    "model.promoted": _("Model went live"),
    "model.rolled_back": _("Model stepped back"),
    "model.quarantined": _("Model put on hold"),
    "model.resumed": _("Model taken off hold"),
    "model.erased": _("Model deleted"),
}

LIMITS = (
    ("models", _("Models"), 100),
    ("datasets", _("Datasets"), 50),
    ("training_files", _("Files to learn from"), 500),
    ("dataset_rows", _("Rows of datasets"), 1_000_000),
)
MESSAGES = {
    "internal_error": gettext_noop(
        "The training stopped unexpectedly. Start it again; what you had is unchanged."
    ),
    "model_numerical_error": gettext_noop(
        "The training went out of bounds. Try a lower learning rate, or another effort."
    ),
    "insufficient_storage": gettext_noop(
        "There was no room on the disk to save. Tell your operator, then start it again."
    ),
    "worker_lost": gettext_noop("The worker that taught stopped without a word."),
}


class TrainingConfig(AppConfig):
    name = "training"

    def ready(self) -> None:
        from tenants.billing import limits, meters
        from tenants.jobs.registry import JobKind, register
        from training import receivers  # noqa: F401  (they connect as they are imported)
        from training.models import ModelVersion, TrainingFile

        page = NavEntry("datasets", _("Teach"), "graduation-cap", 50, key="m", also="teach/")
        navigation.add(page)
        meters.register(meters.Meter("train_seconds", label=_("Seconds of training"), price=20_000))
        meters.register(meters.Meter("predictions", label=_("Predictions"), price=100))
        for name, label, default in LIMITS:
            limits.register(limits.Limit(name, label=label, default=default))
        limits.register_store(lambda: ModelVersion.objects.kept().bytes())
        limits.register_store(lambda: sum(TrainingFile.objects.values_list("size", flat=True)))
        register(
            JobKind(
                name="training.run",
                label=_("Teaching a model"),
                queue="train",
                handler="training.tasks.train_model",
                page="training-run",
                meters=("train_seconds",),
                messages=MESSAGES,
                max_attempts=8,  # it goes on where it was, so a kill costs it little
            )
        )
        register(
            JobKind(
                name="training.import",
                label=_("Reading rows"),
                handler="training.tasks.import_rows",
                page="dataset",
            )
        )
        events.register(EVENTS)
        for path in UPLOADS:
            allow_large_body(path, settings.MAX_ADAPTER_BYTES)
        for path in ROW_FILES:
            allow_large_body(path, settings.MAX_DATASET_BYTES)
