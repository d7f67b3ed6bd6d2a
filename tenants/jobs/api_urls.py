"""Addresses of jobs in the API."""

from django.urls import include, path, re_path
from rest_framework.routers import SimpleRouter

from tenants.jobs.api import JobViewSet, patient

router = SimpleRouter()
router.trailing_slash = "/?"
router.register("jobs", JobViewSet, basename="api-job")

one = patient(JobViewSet.as_view({"get": "retrieve"}, basename="api-job", detail=True))
# Before the router's address of the same name, which does not wait.
api_urls = [
    re_path(r"^jobs/(?P<pk>[^/.]+)/?$", one, name="api-job-detail"),
    *(url for url in router.urls if getattr(url, "name", "") != "api-job-detail"),
]

urlpatterns = [path("api/v1/", include(api_urls))]
