"""Teach, the models: brought, made live, taken back, deleted, as an owner meets it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.steps import sign_in
from tests.training.adapters import config, weights
from tests.training.conftest import upload
from training.models import ModelVersion
from training.services import version_import

AT = "/w/lumen/teach/models/"


def file(name: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def test_a_voice_of_ones_own_is_brought_and_made_live(ada: Page) -> None:
    ada.goto("/w/lumen/")
    ada.keyboard.press("g")
    ada.keyboard.press("m")
    ada.get_by_role("navigation", name="Teach").get_by_role("link", name="Models").click()
    expect(ada.get_by_role("heading", name="A voice of your own")).to_be_visible()
    ada.keyboard.press("c")
    ada.wait_for_url(f"**{AT}import/")
    ada.get_by_label("Adapter", exact=True).set_input_files(file("adapter.safetensors", b"x" * 99))
    ada.get_by_label("Its settings").set_input_files(file("adapter_config.json", config()))
    ada.get_by_label("Name").fill("Autumn voice")
    ada.get_by_role("button", name="Check and keep it").click()
    expect(ada.get_by_role("alert")).to_contain_text("not a safetensors file")
    expect(ada.get_by_label("Name")).to_have_value("Autumn voice")
    ada.get_by_label("Adapter", exact=True).set_input_files(file("adapter.safetensors", weights()))
    ada.get_by_label("Its settings").set_input_files(file("adapter_config.json", config()))
    ada.get_by_role("button", name="Check and keep it").click()
    ada.get_by_role("button", name="Make live").click()
    expect(ada.locator(".badge-success")).to_have_text("Live")
    ada.get_by_role("button", name="Go one step back").click()
    expect(ada.get_by_text("went back to the base model")).to_be_visible()
    ada.get_by_role("button", name="Delete").click()
    ada.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(ada.get_by_role("row").get_by_text("Deleted")).to_be_visible()
    assert ModelVersion.objects.get().state == "erased"


def test_a_file_that_is_too_large_is_not_sent(ada: Page) -> None:
    ada.goto(f"{AT}import/")
    field = ada.get_by_label("Adapter", exact=True)
    field.evaluate("field => { field.dataset.mostBytes = '10'; }")
    field.set_input_files(file("adapter.safetensors", b"x" * 11))
    ada.get_by_role("button", name="Check and keep it").click()
    assert "too large" in field.evaluate("field => field.validationMessage")
    assert ada.url.endswith("/import/")
    assert ada.get_by_role("alert").count() == 0


@pytest.mark.usefixtures("lumen")
def test_a_phone_shows_all_of_it(visit: Callable[..., Page]) -> None:
    version_import(upload=upload())
    page = visit(width=390, scheme="dark")
    sign_in(page)
    for path in (AT, f"{AT}import/"):
        page.goto(path)
        assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    page.goto(AT)
    expect(page.get_by_role("button", name="Make live")).to_be_in_viewport()
