"""Routes of the API, by the scope that a key needs."""

from generation.models.contents import text_sha256
from tenants.billing.models import Source
from tenants.billing.services import charge
from tenants.jobs.models import Job
from tests.routes.generation import (
    TEXT,
    audience,
    brand,
    brief,
    in_scope,
    make_content,
    make_variant,
)
from tests.routes.table import Route, delete, get, patch, post, put
from tests.routes.training import model

variant = in_scope(lambda: {"pk": make_variant().pk})
content = in_scope(lambda: {"pk": make_content().pk})
job = in_scope(lambda: {"pk": Job.objects.create(kind="note", input_sha256="0" * 64).pk})

usage_event = in_scope(
    lambda: {"pk": charge(source=Source("test", "1"), kind="test", usage={"prompt_tokens": 1}).pk}
)

SERVER = {"base_url": "https://8.8.8.8/v1", "model": "m"}

ROUTES = {
    "api-me": Route(get("read write generate approve")),
    "api-workspace": Route(get("read") | patch("write", 200, system_prompt="Be brief.")),
    "api-brand-list": Route(get("read") | post("write", 201, name="Lumen")),
    "api-brand-detail": Route(
        get("read") | patch("write", 200, about="Lamps") | delete("write"), row=brand
    ),
    "api-audience-list": Route(get("read") | post("write", 201, name="Night readers")),
    "api-audience-detail": Route(
        get("read") | patch("write", 200, description="Late") | delete("write"), row=audience
    ),
    "api-brief-list": Route(get("read") | post("generate", 422)),
    "api-brief-bulk": Route(post("generate", 422)),
    "api-brief-detail": Route(
        get("read") | patch("write", 200, length=0) | delete("write"), row=brief
    ),
    "api-brief-variants": Route(post("generate", 201, count=1), row=brief),
    "api-variant-list": Route(get("read")),
    "api-variant-detail": Route(get("read") | patch("write", 200, rating=1), row=variant),
    "api-variant-pick": Route(post("write", 200), row=variant),
    "api-variant-retry": Route(post("generate", 202), row=variant),
    "api-variant-stop": Route(post("write", 200), row=variant),
    "api-content-list": Route(get("read") | post("write", 201, kind="social_post", text=TEXT)),
    "api-content-detail": Route(
        get("read") | patch("write", 428, labels=["a"]) | delete("write"), row=content
    ),
    "api-content-approve": Route(post("approve", 200, sha256=text_sha256(TEXT)), row=content),
    "api-content-archive": Route(post("write", 200), row=content),
    "api-content-export": Route(get("read"), row=content),
    "api-content-publish": Route(post("approve", 409), row=content),
    "api-content-restore": Route(post("write", 200, version=1), row=content),
    "api-content-send-back": Route(post("approve", 409), row=content),
    "api-content-submit": Route(post("write", 200), row=content),
    "api-content-unarchive": Route(post("write", 200), row=content),
    "api-content-versions": Route(get("read"), row=content),
    "api-model-list": Route(get("read") | post("write", 415)),
    "api-model-detail": Route(get("read") | delete("write", 204), row=model),
    "api-model-promote": Route(post("write", 200, reason="Our editors prefer it"), row=model),
    "api-model-alias": Route(post("write", 200, name="challenger", share=20), row=model),
    "api-model-aliases": Route(get("read")),
    "api-model-alias-remove": Route(post("write", 204, name="challenger")),
    "api-model-comparison": Route(get("read", 404)),
    "api-model-policy": Route(get("read") | patch("write", 200, confidence=90)),
    "api-model-quarantine": Route(post("write", 200), row=model),
    "api-model-resume": Route(post("write", 200), row=model),
    "api-model-rollback": Route(post("write", 409)),
    "api-model-reset": Route(post("write", 200)),
    "api-job-list": Route(get("read")),
    "api-job-detail": Route(get("read"), row=job),
    "api-job-cancel": Route(post("write", 200), row=job),
    "api-job-stream": Route(get("read"), row=job),
    "api-usage-list": Route(get("read")),
    "api-usage-detail": Route(get("read"), row=usage_event),
    "api-balance": Route(get("read")),
    "api-prices": Route(get("read")),
    "api-check": Route(post("write", 200, text="Anvils.")),
    # What they answer where there is one: generation/api/test_endpoints.py
    "api-endpoint": Route(get("read", 404) | put("write", 200, **SERVER) | delete("write", 404)),
    "api-kind-list": Route(get("read")),
    "api-kind": Route(get("read"), kwargs={"name": "note"}),
    "openai-models": Route(get("read generate")),
    "openai-model": Route(get("read generate"), kwargs={"name": "echo"}),
    "openai-chat": Route(post("generate", 400)),
    "openai-completions": Route(post("generate", 400)),
    "openai-responses": Route(post("generate", 400)),
    "openai-embeddings": Route(post("generate", 400)),
    "openai-other": Route(get("public", 404), kwargs={"name": "images", "rest": "edits"}),
}
