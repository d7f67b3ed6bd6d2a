"""Recombee's addresses, below /recombee/ and the database's id."""

from django.urls import path

from recommendations.api.recombee.views import RecombeeView

urlpatterns = [
    path("recombee/<slug:database>/<path:path>", RecombeeView.as_view(), name="recombee"),
]
