"""Addresses of jobs in the API."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from tenants.jobs.api import JobViewSet

router = SimpleRouter()
router.trailing_slash = "/?"
router.register("jobs", JobViewSet, basename="api-job")

urlpatterns = [path("api/v1/", include(router.urls))]
