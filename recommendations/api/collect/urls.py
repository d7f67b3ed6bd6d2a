"""Addresses for web pages, below /collect/."""

from django.urls import path

from recommendations.api.collect.views import CollectView, collect_script

urlpatterns = [
    path("collect/", CollectView.as_view(), name="collect"),
    path("collect/collect.js", collect_script, name="collect-script"),
]
