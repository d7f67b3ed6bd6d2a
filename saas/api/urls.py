"""Addresses that describe the API; its endpoints are named by the apps that have them."""

from django.urls import path

from saas.api import problems, views

urlpatterns = [
    path("api/docs/", views.docs, name="api-docs"),
    path("api/v1/schema/", views.SchemaView.as_view(), name="api-schema"),
    path("problems/<slug:code>/", problems.page, name="problem"),
]
