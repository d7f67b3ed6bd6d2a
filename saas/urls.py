"""All addresses: the portal, the API, the OpenAI-compatible API, accounts and operations."""

from django.urls import include, path

from saas import health

handler400 = "saas.errors.bad_request"
handler403 = "saas.errors.forbidden"
handler404 = "saas.errors.not_found"
handler500 = "saas.errors.server_error"

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("account/", include("allauth.urls")),
]
