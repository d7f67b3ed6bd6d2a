"""Routes of the studio's pages. Its rows are notes, the smallest kind of copy."""

from typing import Any

from generation.models import Audience, Batch, Brand, Brief, Content, Endpoint, Variant
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.routes.table import Given, Route, get, post

LINE = {"line": "Anvils that land softly."}
TEXT = "Anvils that land softly.\n"


def in_scope(make: Any) -> Given:
    def made(tenant: Tenant, owner: User) -> dict[str, Any]:
        with tenant_scope(tenant):
            return make()

    return made


def make_brand() -> Brand:
    return Brand.objects.get_or_create(name="Acme", defaults={"is_default": True})[0]


def make_brief() -> Brief:
    fields = {"topic": "Anvils", "tags": []}
    return Brief.objects.create(kind="note", title="Anvils", fields=fields, brand=make_brand())


def make_variant() -> Variant:
    state = Variant.State.READY
    texts = {"text": TEXT, "model_text": TEXT, "data": LINE}
    return Variant.objects.create(brief=make_brief(), number=1, state=state, **texts)


def make_content() -> Content:
    content = Content(kind="note", title="Anvils", brief=make_brief())
    content.add_version(text=TEXT, data=LINE)
    return content


def make_endpoint() -> dict[str, Any]:
    """On an address that refuses every connection at once."""
    Endpoint.objects.create(base_url="https://127.0.0.1/v1", model="m")
    return {}


brand = in_scope(lambda: {"pk": make_brand().pk})
with_brand = in_scope(lambda: {} if make_brand() else {})
audience = in_scope(lambda: {"pk": Audience.objects.create(name="Smiths").pk})
batch = in_scope(lambda: {"pk": Batch.objects.create(name="a.csv", kind="note").pk})
brief = in_scope(lambda: {"pk": make_brief().pk})
variant = in_scope(lambda: {"pk": make_variant().brief_id, "number": 1})
content = in_scope(lambda: {"pk": make_content().pk})
version = in_scope(lambda: {"pk": make_content().pk, "number": 1})
NOTE = {"kind": "note"}
WORDS = {"line-0": "Softly."}
endpoint = in_scope(make_endpoint)

ROUTES = {
    "home": Route(get("viewer")),
    "write": Route(get("editor")),
    "brief-new": Route(get("editor") | post("editor", 422), row=with_brand, kwargs=NOTE),
    "brief-estimate": Route(post("editor", 200), row=with_brand, kwargs=NOTE),
    "brief": Route(get("viewer"), row=brief),
    "brief-stream": Route(get("viewer"), row=brief),
    "brief-more": Route(post("editor"), row=brief),
    "variant": Route(get("viewer"), row=variant),
    "variant-edit": Route(get("editor") | post("editor", **WORDS), row=variant),
    "variant-diff": Route(get("viewer"), row=variant),
    "variant-stop": Route(post("editor"), row=variant),
    "variant-retry": Route(post("editor"), row=variant),
    "variant-rate": Route(post("editor", rating="up"), row=variant),
    "variant-pick": Route(post("editor"), row=variant),
    "batch-new": Route(get("editor") | post("editor", 422), row=with_brand),
    "batch-columns": Route(get("editor", 302) | post("editor"), kwargs={"token": "none"}),
    "batch-template": Route(get("editor"), kwargs=NOTE),
    "batch": Route(get("viewer"), row=batch),
    "batch-progress": Route(get("viewer"), row=batch),
    "batch-cancel": Route(post("editor"), row=batch),
    "batch-errors": Route(get("viewer"), row=batch),
    "library": Route(get("viewer")),
    "library-export": Route(post("viewer")),
    "library-move": Route(post("editor", step="submit")),
    "content": Route(get("viewer") | post("editor", version="1", **WORDS), row=content),
    "content-preview": Route(post("viewer", 200, **WORDS), row=content),
    "content-version": Route(get("viewer"), row=version),
    "content-restore": Route(post("editor"), row=version),
    "content-export": Route(get("viewer"), row=content, kwargs={"layout": "markdown"}),
    "content-submit": Route(post("editor"), row=content),
    "content-return": Route(post("admin"), row=content),
    "content-approve": Route(post("admin"), row=content),
    "content-publish": Route(post("admin"), row=content),
    "content-archive": Route(post("editor"), row=content),
    "content-favourite": Route(post("viewer"), row=content),
    "content-unarchive": Route(post("editor"), row=content),
    "developers": Route(get("viewer")),
    "developers-public": Route(
        {}
    ),  # leads members to their own: tests/generation/test_developers.py
    "brand-list": Route(get("viewer")),
    "brand-new": Route(get("editor") | post("editor", 422)),
    "brand-voice": Route(post("editor", 200)),
    "brand-edit": Route(get("editor") | post("editor", 422), row=brand),
    "brand-delete": Route(post("editor"), row=brand),
    "audience-list": Route(get("viewer")),
    "audience-new": Route(get("editor") | post("editor", 422)),
    "audience-edit": Route(get("editor") | post("editor", 422), row=audience),
    "audience-delete": Route(post("editor"), row=audience),
    "model-server": Route(get("admin") | post("owner", 422)),
    "model-server-test": Route(post("owner"), row=endpoint),
    "model-server-switch": Route(post("owner", enabled="on"), row=endpoint),
    "model-server-delete": Route(post("owner"), row=endpoint),
}
