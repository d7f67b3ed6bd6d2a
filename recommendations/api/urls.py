"""Addresses of the recommender's API."""

from django.urls import include, path, re_path
from rest_framework.routers import SimpleRouter

from recommendations.api.behaviour import InteractionView, NextView, RecommendationView
from recommendations.api.catalogue import ItemViewSet, PersonViewSet
from recommendations.api.scenarios import (
    ExperimentViewSet,
    RankingModelViewSet,
    ScenarioViewSet,
)

router = SimpleRouter()
router.trailing_slash = "/?"
router.register("items", ItemViewSet, basename="api-item")
router.register("persons", PersonViewSet, basename="api-person")
router.register("scenarios", ScenarioViewSet, basename="api-scenario")
router.register("experiments", ExperimentViewSet, basename="api-experiment")
router.register("ranking-models", RankingModelViewSet, basename="api-ranking-model")

# /api/v1/
api_urls = [
    *router.urls,
    re_path(r"^interactions/?$", InteractionView.as_view(), name="api-interactions"),
    re_path(r"^recommendations/?$", RecommendationView.as_view(), name="api-recommendations"),
    re_path(
        r"^recommendations/(?P<recomm_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/next/?$",
        NextView.as_view(),
        name="api-recommendations-next",
    ),
]

urlpatterns = [path("api/v1/", include(api_urls))]
