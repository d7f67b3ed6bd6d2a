"""Addresses of the room in which a workspace teaches its models."""

from django.urls import include, path

from training import views

# teach/models/
model_urls = [
    path("", views.model_list, name="model-list"),
    path("import/", views.model_import, name="model-import"),
    path("rollback/", views.model_rollback, name="model-rollback"),
    path("reset/", views.model_reset, name="model-reset"),
    path("<uuid:pk>/promote/", views.model_promote, name="model-promote"),
    path("<uuid:pk>/quarantine/", views.model_quarantine, name="model-quarantine"),
    path("<uuid:pk>/resume/", views.model_resume, name="model-resume"),
    path("<uuid:pk>/erase/", views.model_erase, name="model-erase"),
]

urlpatterns = [path("teach/models/", include(model_urls))]
