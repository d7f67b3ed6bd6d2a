"""Addresses of the studio's API."""

from django.urls import include, path, re_path
from rest_framework.routers import SimpleRouter

from generation.api.brands import AudienceViewSet, BrandViewSet, KindDetail, KindList
from generation.api.briefs import BriefViewSet, VariantViewSet
from generation.api.checks import CheckView
from generation.api.contents import ContentViewSet
from generation.api.endpoint_view import EndpointView
from generation.api.openai.models import ModelDetail, ModelList
from generation.api.openai.views import ChatView, CompletionView, answered

router = SimpleRouter()
router.trailing_slash = "/?"
router.register("brands", BrandViewSet, basename="api-brand")
router.register("audiences", AudienceViewSet, basename="api-audience")
router.register("briefs", BriefViewSet, basename="api-brief")
router.register("variants", VariantViewSet, basename="api-variant")
router.register("contents", ContentViewSet, basename="api-content")

# /api/v1/
api_urls = [
    *router.urls,
    re_path(r"^check/?$", CheckView.as_view(), name="api-check"),
    re_path(r"^endpoint/?$", EndpointView.as_view(), name="api-endpoint"),
    re_path(r"^kinds/?$", KindList.as_view(), name="api-kind-list"),
    re_path(r"^kinds/(?P<name>[a-z_]+)/?$", KindDetail.as_view(), name="api-kind"),
]

# /v1/
openai_urls = [
    path("models", ModelList.as_view(), name="openai-models"),
    path("models/<path:name>", ModelDetail.as_view(), name="openai-model"),
    path("chat/completions", answered(ChatView), name="openai-chat"),
    path("completions", answered(CompletionView), name="openai-completions"),
]

urlpatterns = [
    path("api/v1/", include(api_urls)),
    path("v1/", include(openai_urls)),
]
