"""Addresses of the room Recommend, under /w/<slug>/."""

from django.urls import include, path, re_path

from recommendations.api.base import KEY_IN_PATH
from recommendations.views import (
    catalogue,
    connect,
    experiments,
    imports,
    overview,
    people,
    quality,
    scenarios,
    variants,
)

# recommend/
recommend_urls = [
    path("", overview.recommend_home, name="recommend"),
    path("fit/", overview.recommend_fit, name="recommend-fit"),
    path("items/", catalogue.item_list, name="recommend-items"),
    path("items/<uuid:pk>/", catalogue.item_page, name="recommend-item"),
    path("items/<uuid:pk>/visibility/", catalogue.item_visibility, name="recommend-item-hide"),
    path("people/", people.person_list, name="recommend-people"),
    path("people/<uuid:pk>/", people.person_page, name="recommend-person"),
    path("people/<uuid:pk>/forget/", people.person_forgotten, name="recommend-person-forget"),
    path("imports/", imports.imports, name="recommend-imports"),
    path("imports/<uuid:pk>/errors/", imports.import_errors, name="recommend-import-errors"),
    re_path(
        r"^import/(?P<what>items|interactions)/$", imports.import_file, name="recommend-import"
    ),
    path("connect/", connect.connect, name="recommend-connect"),
    path("connect/public-keys/", connect.public_key_new, name="recommend-public-key"),
    path("connect/tokens/", connect.signing_token_new, name="recommend-token"),
    path("connect/keys/<uuid:pk>/revoke/", connect.key_revoked, name="recommend-key-revoke"),
    path("scenarios/", scenarios.scenario_list, name="recommend-scenarios"),
    path("experiments/", experiments.experiment_list, name="recommend-experiments"),
    path("experiments/new/", experiments.experiment_new, name="recommend-experiment-new"),
    path("experiments/<uuid:pk>/", experiments.experiment_page, name="recommend-experiment"),
    path(
        "experiments/<uuid:pk>/stop/",
        experiments.experiment_stopped,
        name="recommend-experiment-stop",
    ),
    path("variants/", variants.variant_list, name="recommend-variants"),
    re_path(
        rf"^variants/(?P<key>{KEY_IN_PATH})/$", variants.variant_page, name="recommend-variant"
    ),
    path("quality/", quality.quality_page, name="recommend-quality"),
    path("scenarios/new/", scenarios.scenario_new, name="recommend-scenario-new"),
    path("scenarios/preview/", scenarios.scenario_preview, name="recommend-preview"),
    path("scenarios/<uuid:pk>/", scenarios.scenario_edit, name="recommend-scenario"),
    path("scenarios/<uuid:pk>/undo/", scenarios.scenario_undone, name="recommend-undo"),
    path("scenarios/<uuid:pk>/delete/", scenarios.scenario_delete, name="recommend-delete"),
]

urlpatterns = [path("recommend/", include(recommend_urls))]
