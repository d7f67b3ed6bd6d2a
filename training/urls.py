"""Addresses of the room in which a workspace teaches its models."""

from django.urls import include, path

from training.views import datasets, models, runs

# teach/models/
model_urls = [
    path("", models.model_list, name="model-list"),
    path("import/", models.model_import, name="model-import"),
    path("rollback/", models.model_rollback, name="model-rollback"),
    path("reset/", models.model_reset, name="model-reset"),
    path("<uuid:pk>/", models.model, name="model"),
    path("<uuid:pk>/try/", models.model_try, name="model-try"),
    path("<uuid:pk>/card.md", models.model_card_file, name="model-card"),
    path("confidence/", models.model_confidence, name="model-confidence"),
    path("challenger/remove/", models.challenger_removed, name="model-challenger-remove"),
    path("<uuid:pk>/challenge/", models.model_challenge, name="model-challenge"),
    path("<uuid:pk>/promote/", models.model_promote, name="model-promote"),
    path("<uuid:pk>/quarantine/", models.model_quarantine, name="model-quarantine"),
    path("<uuid:pk>/resume/", models.model_resume, name="model-resume"),
    path("<uuid:pk>/erase/", models.model_erase, name="model-erase"),
]

# teach/datasets/
dataset_urls = [
    path("", datasets.dataset_list, name="datasets"),
    path("new/", datasets.dataset_new, name="dataset-new"),
    path("<uuid:pk>/", datasets.dataset, name="dataset"),
    path("<uuid:pk>/import/", datasets.dataset_import, name="dataset-import"),
    path("<uuid:pk>/errors/<uuid:job>.csv", datasets.import_errors, name="import-errors"),
    path("<uuid:pk>/delete/", datasets.dataset_deleted, name="dataset-delete"),
    path("follow/", datasets.source_followed, name="dataset-of-source"),
    path("<uuid:pk>/follow/", datasets.dataset_followed, name="dataset-follow"),
    path("<uuid:pk>/teach/", runs.run_new, name="training-run-new"),
]

# teach/runs/
run_urls = [
    path("", runs.run_list, name="training-runs"),
    path("<uuid:pk>/", runs.training_run, name="training-run"),
    path("<uuid:pk>/cancel/", runs.run_cancelled, name="training-run-cancel"),
    path("<uuid:pk>/pause/", runs.run_paused, name="training-run-pause"),
    path("<uuid:pk>/resume/", runs.run_resumed, name="training-run-resume"),
]

urlpatterns = [
    path("teach/models/", include(model_urls)),
    path("teach/datasets/", include(dataset_urls)),
    path("teach/runs/", include(run_urls)),
]
