"""Addresses of model versions in the API."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from training.api.datasets import DatasetViewSet
from training.api.models import ModelViewSet
from training.api.runs import TrainingRunViewSet

router = SimpleRouter()
router.trailing_slash = "/?"
router.register("datasets", DatasetViewSet, basename="api-dataset")
router.register("training-runs", TrainingRunViewSet, basename="api-training-run")
router.register("models", ModelViewSet, basename="api-model")

urlpatterns = [path("api/v1/", include(router.urls))]
