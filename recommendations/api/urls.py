"""Addresses of the recommender's API."""

from django.urls import include, path, re_path
from rest_framework.routers import SimpleRouter

from recommendations.api.audience import PersonsForItemView, SearchView, SegmentsView
from recommendations.api.base import KEY_IN_PATH
from recommendations.api.behaviour import InteractionView, NextView, RecommendationView
from recommendations.api.catalogue import ItemViewSet, PersonViewSet
from recommendations.api.imports import InteractionImportView, ItemImportView
from recommendations.api.scenarios import (
    ExperimentViewSet,
    RankingModelViewSet,
    ScenarioViewSet,
)
from recommendations.api.variants import VariantChoiceView, VariantReportView

router = SimpleRouter()
router.trailing_slash = "/?"
router.register("items", ItemViewSet, basename="api-item")
router.register("persons", PersonViewSet, basename="api-person")
router.register("scenarios", ScenarioViewSet, basename="api-scenario")
router.register("experiments", ExperimentViewSet, basename="api-experiment")
router.register("ranking-models", RankingModelViewSet, basename="api-ranking-model")

# /api/v1/
api_urls = [
    re_path(r"^items/imports/?$", ItemImportView.as_view(), name="api-item-import"),
    re_path(
        r"^interactions/imports/?$", InteractionImportView.as_view(), name="api-interaction-import"
    ),
    *router.urls,
    re_path(r"^interactions/?$", InteractionView.as_view(), name="api-interactions"),
    re_path(
        r"^recommendations/persons/?$",
        PersonsForItemView.as_view(),
        name="api-recommendations-persons",
    ),
    re_path(
        r"^recommendations/segments/?$",
        SegmentsView.as_view(),
        name="api-recommendations-segments",
    ),
    re_path(r"^recommendations/search/?$", SearchView.as_view(), name="api-recommendations-search"),
    re_path(r"^recommendations/?$", RecommendationView.as_view(), name="api-recommendations"),
    re_path(
        r"^recommendations/variant/?$",
        VariantChoiceView.as_view(),
        name="api-recommendations-variant",
    ),
    re_path(
        rf"^recommendations/variants/(?P<key>{KEY_IN_PATH})/?$",
        VariantReportView.as_view(),
        name="api-recommendations-variants",
    ),
    re_path(
        r"^recommendations/(?P<recomm_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/next/?$",
        NextView.as_view(),
        name="api-recommendations-next",
    ),
]

urlpatterns = [path("api/v1/", include(api_urls))]
