"""Chromium in front of the real portal: uvicorn, a batch worker on the echo engine, a database."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from generation.models import Brand
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tenants.services import workspace_create
from tests.browser.steps import PASSWORD, sign_in
from tests.support.chromium import chromium
from tests.support.live import served, working

PAUSE_S = 0.004
WAIT_MS = 15_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright keeps an event loop in this thread, in which Django would refuse the database,
    # and other modules' asyncio.run would fail: so it ends with the module.
    expect.set_options(timeout=WAIT_MS)
    with pytest.MonkeyPatch.context() as patch, chromium() as started:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield started


@pytest.fixture(scope="session")
def server(django_db_setup: None) -> Iterator[str]:
    with served("tests.browser.app:application") as address:
        yield address


@pytest.fixture
def worker(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[None]:
    with working(getattr(request, "param", PAUSE_S)):
        yield


@pytest.fixture
def lumen(transactional_db: None) -> Iterator[Tenant]:
    """Ada's workspace, with a brand; the test is in its scope."""
    ada = User.objects.create_user("ada@lumen.test", PASSWORD, name="Ada")
    tenant = workspace_create(owner=ada, name="Lumen", slug="lumen")
    with tenant_scope(tenant):
        Brand.objects.create(name="Lumen", tone="warm", banned=["cheap"], is_default=True)
        yield tenant


@pytest.fixture
def visit(browser: Browser, server: str, transactional_db: None) -> Iterator[Callable[..., Page]]:
    """Opens a fresh browser window; what its pages complain about fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(*, width: int = 1440, scheme: Any = "light", **options: Any) -> Page:
        height = 900 if width > 500 else 844
        context = browser.new_context(
            base_url=server,
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            **options,
        )
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        page = context.new_page()
        listen(page, server, complaints)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def listen(page: Page, server: str, complaints: list[str]) -> None:
    """Note script errors, refused code and requests to other hosts."""

    def asked(request: Any) -> None:
        if not request.url.startswith((server, "data:", "blob:")):
            complaints.append(f"another host: {request.url}")

    def said(message: Any) -> None:
        # Chromium also logs each answer above 399, which some tests ask for.
        if message.type == "error" and "the server responded with a status" not in message.text:
            complaints.append(f"{page.url}: {message.text}")

    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.on("console", said)
    page.on("request", asked)


@pytest.fixture
def page(visit: Callable[..., Page]) -> Page:
    return visit()


@pytest.fixture
def ada(page: Page, lumen: Tenant) -> Page:
    """A window in which Ada is signed in."""
    sign_in(page)
    return page
