"""Addresses of the caller's own key, and of its workspace, in the API."""

from django.urls import include, path, re_path

from tenants.me import MeView
from tenants.workspace_api import WorkspaceView

api = [
    re_path(r"^me/?$", MeView.as_view(), name="api-me"),
    re_path(r"^workspace/?$", WorkspaceView.as_view(), name="api-workspace"),
]
urlpatterns = [path("api/v1/", include(api))]
