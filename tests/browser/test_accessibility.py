"""axe-core finds nothing to object to, on every page, in both modes and sizes."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from generation.models import Audience, Batch, Brand, Brief, Content, Endpoint, Variant
from generation.services import brief_request, content_edit, variant_pick
from generation.services.kept_files import KeptFile, keep
from tenants.actors import Actor, acting
from tenants.models import Tenant, User
from tests.browser.steps import sign_in
from tests.generation.conftest import run_jobs
from tests.routes.training import make_model
from training.models import ModelVersion
from training.services import version_promote

SETTINGS = ("general/", "team/", "model-server/", "api-keys/", "audit/")
ACCOUNT = (
    *("profile/", "email/", "password/change/", "sessions/", "2fa/", "2fa/totp/activate/"),
    *("2fa/webauthn/add/", "reauthenticate/", "logout/"),
)
ANYBODY = ("/api/docs/", "/problems/not-found/", "/nowhere/")
VISITOR = ("/", "/developers/", "/account/login/", "/account/signup/", "/account/password/reset/")
WIDEST = """[...document.querySelectorAll("body *")]
  .filter(each => each.getBoundingClientRect().right > window.innerWidth)
  .map(each => each.outerHTML.slice(0, 100)).join(" | ")"""
FIELDS = {"product": "reading lamp", "points": ["dims on its own"], "call": "learn_more"}


@pytest.fixture
def paths(lumen: Tenant) -> list[str]:
    """Every page of the portal, the studio's with something on them."""
    brand = Brand.objects.get()
    audience = Audience.objects.create(name="Night readers", pains=["glare"])
    batch = Batch.objects.create(
        name="lamps.csv", kind="search_ad", errors=[{"row": 2, "field": "product", "message": "?"}]
    )
    order: dict[str, Any] = {"kind": "search_ad", "fields": FIELDS, "brand": brand}
    written = brief_request(**order, audience=audience)
    run_jobs()
    content = picked(written)
    endpoint = Endpoint(base_url="https://models.lumen.test/v1", model="m", enabled=False)
    endpoint.keep_key("mk-a-long-enough-key")
    endpoint.save()
    waiting = brief_request(**order, batch=batch)
    live, held, gone = (make_model(number, note="Forty newsletters") for number in (1, 2, 3))
    version_promote(version=live)
    held.move(ModelVersion.State.QUARANTINED)
    gone.move(ModelVersion.State.ERASED)
    Variant.objects.filter(brief=waiting, number=2).update(state="failed", error="No luck.")
    return [
        *("", "write/", "write/search_ad/?example=1", "write/article/", "write/bulk/"),
        f"write/bulk/{batch.pk}/",
        f"briefs/{waiting.pk}/",
        f"briefs/{written.pk}/",
        f"briefs/{written.pk}/variants/1/edit",
        f"briefs/{written.pk}/variants/1/diff",
        *("developers/", "developers/?code=python", f"write/bulk/columns/{list_kept()}/"),
        *("library/", "library/?q=nothing", f"library/{content.pk}/"),
        f"library/{content.pk}/?as=markdown",
        f"library/{content.pk}/versions/2/",
        *("brands/", "brands/new", f"brands/{brand.pk}/"),
        *("audiences/", f"audiences/{audience.pk}/"),
        *("teach/models/", "teach/models/import/"),
        *("usage/", "jobs/", *(f"settings/{each}" for each in SETTINGS)),
        *("/workspaces/new/", *(f"/account/{each}" for each in ACCOUNT)),
        *ANYBODY,
    ]


def list_kept() -> str:
    """A file whose columns are to be told."""
    brand = Brand.objects.get(is_default=True)
    with acting(Actor(user=User.objects.get(email="ada@lumen.test"))):
        file = KeptFile(
            name="spring.csv",
            content=b"Product,Selling points\nLamp,Dims\n,Nothing\n",
            kind="search_ad",
            brand=str(brand.pk),
            audience="",
            language="en",
            variants=1,
        )
        return keep(file)


def picked(brief: Brief) -> Content:
    """The first variant, picked and given a headline that the checks object to."""
    content = variant_pick(variant=brief.variants.get(number=1))
    data = {**content.data, "headlines": [*content.data["headlines"], "A cheap lamp in 1999"]}
    return content_edit(content=content, text=content.kind_spec.render(data))


def objections(page: Page, path: str) -> Iterator[str]:
    """What axe says to a page, and whether it is wider than its window."""
    page.goto(path if path.startswith("/") else f"/w/lumen/{path}")
    found = Axe().run(page).response
    assert found["passes"], path
    for each in found["violations"]:
        for node in each["nodes"]:
            yield f"{path or 'home'}: {each['id']}: {node['html'][:160]}"
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        yield f"{path or 'home'}: wider than its window: {page.evaluate(WIDEST)}"


# Each mode and each size in every run; the other two pairs with the long proofs.
@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (1440, "light"),
        (390, "dark"),
        pytest.param(1440, "dark", marks=pytest.mark.prove),
        pytest.param(390, "light", marks=pytest.mark.prove),
    ],
)
def test_axe_finds_nothing(
    visit: Callable[..., Page], paths: list[str], width: int, scheme: str
) -> None:
    # axe brings a script of its own, which the content policy rightly refuses.
    page = visit(width=width, scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    found = [each for path in VISITOR for each in objections(page, path)]
    sign_in(page)
    assert found + [each for path in paths for each in objections(page, path)] == []
