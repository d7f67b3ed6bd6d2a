"""Addresses of model versions in the API."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from training.api import ModelViewSet

router = SimpleRouter()
router.trailing_slash = "/?"
router.register("models", ModelViewSet, basename="api-model")

urlpatterns = [path("api/v1/", include(router.urls))]
