"""The studio's rooms, under /w/<slug>/."""

from django.urls import include, path

from generation.views import (
    audiences,
    batches,
    brands,
    briefs,
    contents,
    developers,
    home,
    library,
    model_server,
    reviews,
    streams,
    variants,
    write,
)

# brands/
brand_urls = [
    path("", brands.brand_list, name="brand-list"),
    path("new", brands.brand_new, name="brand-new"),
    path("<uuid:pk>/", brands.brand_edit, name="brand-edit"),
    path("<uuid:pk>/delete", brands.brand_delete, name="brand-delete"),
    path("voice", brands.brand_voice, name="brand-voice"),
]

# audiences/
audience_urls = [
    path("", audiences.audience_list, name="audience-list"),
    path("new", audiences.audience_new, name="audience-new"),
    path("<uuid:pk>/", audiences.audience_edit, name="audience-edit"),
    path("<uuid:pk>/delete", audiences.audience_delete, name="audience-delete"),
]

# write/bulk/
batch_urls = [
    path("", batches.batch_new, name="batch-new"),
    path("columns/<slug:token>/", batches.batch_columns, name="batch-columns"),
    path("template/<slug:kind>.csv", batches.batch_template, name="batch-template"),
    path("<uuid:pk>/", batches.batch, name="batch"),
    path("<uuid:pk>/progress", batches.batch_progress, name="batch-progress"),
    path("<uuid:pk>/cancel", batches.batch_cancel, name="batch-cancel"),
    path("<uuid:pk>/errors.csv", batches.batch_errors, name="batch-errors"),
]

# briefs/<uuid>/
brief_urls = [
    path("", briefs.brief, name="brief"),
    path("stream", streams.brief_stream, name="brief-stream"),
    path("more", briefs.brief_more, name="brief-more"),
]

# briefs/<uuid>/variants/<int>/
variant_urls = [
    path("", variants.variant, name="variant"),
    path("edit", variants.variant_edit, name="variant-edit"),
    path("diff", variants.variant_diff, name="variant-diff"),
    path("stop", variants.variant_stop, name="variant-stop"),
    path("retry", variants.variant_retry, name="variant-retry"),
    path("rate", variants.variant_rate, name="variant-rate"),
    path("pick", variants.variant_pick, name="variant-pick"),
]

# library/<uuid>/
content_urls = [
    path("", contents.content, name="content"),
    path("preview", contents.content_preview, name="content-preview"),
    path("versions/<int:number>/", contents.content_version, name="content-version"),
    path("versions/<int:number>/restore", contents.content_restore, name="content-restore"),
    path("export/<slug:layout>", contents.content_export, name="content-export"),
    path("submit", reviews.content_submit, name="content-submit"),
    path("return", reviews.content_return, name="content-return"),
    path("approve", reviews.content_approve, name="content-approve"),
    path("publish", reviews.content_publish, name="content-publish"),
    path("archive", reviews.content_archive, name="content-archive"),
    path("favourite", contents.content_favourite, name="content-favourite"),
    path("unarchive", reviews.content_unarchive, name="content-unarchive"),
]

# settings/model-server/
model_server_urls = [
    path("", model_server.model_server, name="model-server"),
    path("test", model_server.model_server_test, name="model-server-test"),
    path("switch", model_server.model_server_switch, name="model-server-switch"),
    path("delete", model_server.model_server_delete, name="model-server-delete"),
]

urlpatterns = [
    path("", home.home, name="home"),
    path("write/", write.write, name="write"),
    path("write/bulk/", include(batch_urls)),
    path("write/<slug:kind>/", write.brief_new, name="brief-new"),
    path("write/<slug:kind>/estimate", write.brief_estimate, name="brief-estimate"),
    path("briefs/<uuid:pk>/", include(brief_urls)),
    path("briefs/<uuid:pk>/variants/<int:number>/", include(variant_urls)),
    path("library/", library.library, name="library"),
    path("library/export", library.library_export, name="library-export"),
    path("library/move", library.library_move, name="library-move"),
    path("library/<uuid:pk>/", include(content_urls)),
    path("brands/", include(brand_urls)),
    path("audiences/", include(audience_urls)),
    path("developers/", developers.developers, name="developers"),
    path("settings/model-server/", include(model_server_urls)),
]
