"""All addresses: the portal, the API, the OpenAI-compatible API, accounts and operations."""

from django.contrib import admin
from django.urls import include, path

from saas import health, views
from tenants.jobs import metrics as job_metrics

handler400 = "saas.errors.bad_request"
handler403 = "saas.errors.forbidden"
handler404 = "saas.errors.not_found"
handler429 = "saas.errors.too_many_requests"  # allauth looks here too
handler500 = "saas.errors.server_error"

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("metrics", job_metrics.metrics, name="metrics"),
    path("readyz", health.readyz, name="readyz"),
    path("", include("saas.api.urls")),
    path("", include("tenants.api_urls")),
    path("", include("tenants.jobs.api_urls")),
    path("", include("tenants.billing.api_urls")),
    path("", include("training.api.urls")),
    path("", include("recommendations.api.urls")),
    path("", include("recommendations.api.gorse.urls")),
    path("", include("recommendations.api.recombee.urls")),
    path("", include("recommendations.api.collect.urls")),
    path("", include("generation.api.urls")),
    path("", include("tenants.urls")),
    path("w/<slug:slug>/", include("tenants.jobs.urls")),
    path("w/<slug:slug>/", include("tenants.billing.urls")),
    path("w/<slug:slug>/", include("training.urls")),
    path("w/<slug:slug>/", include("recommendations.urls")),
    path("w/<slug:slug>/", include("generation.urls")),
    path("account/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("design/", views.design, name="design"),
    path("", views.front, name="front"),
]
