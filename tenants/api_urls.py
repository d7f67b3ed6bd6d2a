"""Addresses of the caller's own key in the API."""

from django.urls import include, path, re_path

from tenants.me import MeView

urlpatterns = [path("api/v1/", include([re_path(r"^me/?$", MeView.as_view(), name="api-me")]))]
