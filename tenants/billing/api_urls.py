"""Addresses of usage, balance and prices in the API."""

from django.urls import include, path, re_path
from rest_framework.routers import SimpleRouter

from tenants.billing.api import BalanceView, PriceView, UsageViewSet

router = SimpleRouter()
router.trailing_slash = "/?"
router.register("usage", UsageViewSet, basename="api-usage")

api = [
    *router.urls,
    re_path(r"^balance/?$", BalanceView.as_view(), name="api-balance"),
    re_path(r"^prices/?$", PriceView.as_view(), name="api-prices"),
]
urlpatterns = [path("api/v1/", include(api))]
