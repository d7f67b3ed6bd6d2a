"""Addresses of the studio's API, and of the page about it that visitors may read."""

from django.urls import include, path, re_path
from rest_framework.routers import SimpleRouter

from generation.api.brands import AudienceViewSet, BrandViewSet, KindDetail, KindList
from generation.api.briefs import BriefViewSet, VariantViewSet
from generation.api.checks import CheckView
from generation.api.contents import ContentViewSet
from generation.api.endpoint_view import EndpointView
from generation.api.openai.answering import answered
from generation.api.openai.elsewhere import INSTEAD, elsewhere
from generation.api.openai.embeddings import EmbeddingView
from generation.api.openai.models import ModelDetail, ModelList
from generation.api.openai.views import ChatView, CompletionView, ResponseView
from generation.views import developers

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
    re_path(r"^models/?$", ModelList.as_view(), name="openai-models"),
    re_path(r"^models/(?P<name>.+?)/?$", ModelDetail.as_view(), name="openai-model"),
    re_path(r"^chat/completions/?$", answered(ChatView), name="openai-chat"),
    re_path(r"^completions/?$", answered(CompletionView), name="openai-completions"),
    re_path(r"^responses/?$", answered(ResponseView), name="openai-responses"),
    re_path(r"^embeddings/?$", answered(EmbeddingView), name="openai-embeddings"),
    re_path(rf"^(?P<name>{'|'.join(INSTEAD)})(?:/(?P<rest>.*))?$", elsewhere, name="openai-other"),
]

urlpatterns = [
    path("api/v1/", include(api_urls)),
    path("v1/", include(openai_urls)),
    path("developers/", developers.public, name="developers-public"),
]
