"""The recommender as operators see it."""

from django.contrib import admin

from recommendations.models import RankingModel
from tenants.admin import ReadOnlyAdmin


@admin.register(RankingModel)
class RankingModelAdmin(ReadOnlyAdmin):
    list_display = ("number", "state", "items", "events", "seconds", "created_at")
    list_filter = ("state",)
