"""Wrong input on each form: it is named, it has the focus, and nothing typed is lost."""

import re

import pytest
from playwright.sync_api import Page, expect

from generation.models import Batch, Brand, Content
from generation.services import content_edit
from tenants.billing import services as billing

HOME = "/w/lumen/"


def refused(page: Page, *said: str) -> None:
    """The summary tells what is wrong, and the reader is there."""
    summary = page.locator(".error-summary")
    expect(summary).to_be_focused()
    for words in said:
        expect(summary).to_contain_text(words)


@pytest.fixture
def draft(lumen: object) -> Content:
    content = Content(kind="marketing_email", title="Spring")
    data = {"subject": "Spring is here", "preheader": "Open a window.", "body": "Hello."}
    text = content.kind_spec.render(data)
    content.add_version(text=text, data=content.kind_spec.parse(text))
    return content


def test_signing_up_without_a_workspace_name(page: Page) -> None:
    page.goto("/account/signup/")
    page.get_by_label("Email").fill("ada@lumen.test")
    page.locator("#id_password1").fill("correct horse battery")
    page.locator("main button[type=submit]").click()
    expect(page.locator(".error-summary")).to_contain_text("Workspace name")
    expect(page.get_by_label("Email")).to_have_value("ada@lumen.test")


def test_a_brief_without_its_product(ada: Page) -> None:
    ada.goto(f"{HOME}write/search_ad/")
    ada.locator("#id_q-points").fill("opens on its own")
    ada.locator("#id_variants").fill("12")
    ada.locator("#id_q-points").press("Control+Enter")
    refused(ada, "Product or service", "This field is required.", "Variants")
    ada.locator(".error-summary a", has_text="Product").click()
    expect(ada.locator("#id_q-product")).to_be_focused()
    expect(ada.locator("#id_q-points")).to_have_value("opens on its own")


def test_a_brief_beyond_the_credits(ada: Page) -> None:
    billing.reserve(amount=billing.balance().available - 1000, purpose="test", key="test")
    ada.goto(f"{HOME}write/search_ad/?example=1")
    expect(ada.locator("#estimate")).to_contain_text("That is more than is left.")
    ada.locator("main").get_by_role("button", name="Write").click()
    refused(ada, "monthly credits", "fewer variants")
    expect(ada.locator("#id_q-product")).not_to_have_value("")


def test_a_brand_without_a_name(ada: Page) -> None:
    ada.goto(f"{HOME}brands/new")
    ada.locator("#id_tone").fill("warm")
    expect(ada.locator("#voice")).to_contain_text("Tone: warm")
    ada.locator("#id_url").fill("not an address")
    ada.get_by_role("button", name="Save brand").click()
    refused(ada, "Name", "Website")
    expect(ada.locator("#id_tone")).to_have_value("warm")


def test_an_audience_without_a_name(ada: Page) -> None:
    ada.goto(f"{HOME}audiences/new")
    ada.locator("#id_pains").fill("Draughts")
    ada.get_by_role("button", name="Save audience").click()
    refused(ada, "Name")
    expect(ada.locator("#id_pains")).to_have_value("Draughts")


def test_a_list_with_columns_of_its_own(ada: Page) -> None:
    ada.goto(f"{HOME}write/bulk/")
    file = {"name": "mine.csv", "mimeType": "text/csv", "buffer": b"colour\nred\n"}
    ada.locator("#id_file").set_input_files(file)
    ada.get_by_role("button", name="Look at the columns").click()
    expect(ada.locator("#batch-estimate")).to_contain_text("Still to choose:")
    ada.get_by_role("button", name="Write all rows").click()
    refused(ada, "Topic", "This field is required.")
    assert not Batch.objects.exists()


def test_a_text_that_is_emptied(ada: Page, draft: Content) -> None:
    ada.goto(draft.get_absolute_url())
    for name in ("subject", "preheader", "body"):
        ada.locator(f"#id_{name}-0").fill("")
    ada.get_by_role("button", name="Save").click()
    refused(ada, "The text is empty.")


def test_a_text_that_somebody_else_changed(ada: Page, draft: Content) -> None:
    ada.goto(draft.get_absolute_url())
    content_edit(content=draft, text=draft.text.replace("here", "near"))
    ada.locator("#id_subject-0").fill("Spring is late")
    expect(ada.get_by_text("Not saved yet")).to_be_visible()
    expect(ada.get_by_role("button", name="Approve this text")).to_be_disabled()
    expect(ada.locator("#preview")).to_contain_text("Spring is late")
    ada.get_by_role("button", name="Save").click()
    refused(ada, "Someone else saved this text", "near", "late")
    ada.get_by_role("button", name="Save").click()
    expect(ada.locator("h1")).to_contain_text("Spring is late")


def test_a_brand_in_use_is_not_deleted(ada: Page, draft: Content) -> None:
    brand = Brand.objects.get()
    ada.goto(f"{HOME}brands/{brand.pk}/")
    ada.get_by_role("button", name="Delete this brand").click()
    ada.locator("#confirm-dialog").get_by_role("button", name="Cancel").click()
    expect(ada).to_have_url(re.compile(str(brand.pk)))
    assert Brand.objects.exists()


def test_the_library_is_searched_as_one_types(ada: Page, draft: Content) -> None:
    ada.goto(f"{HOME}library/")
    ada.keyboard.press("/")
    search = ada.get_by_role("searchbox")
    expect(search).to_be_focused()
    search.press_sequentially("nothing like it")
    expect(ada.get_by_text("Nothing matches")).to_be_visible()
    search.fill("spring")
    row = ada.get_by_role("checkbox", name="Select “Spring is here”")
    row.check()
    with ada.expect_download() as download:
        ada.get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename == "kindling-csv.zip"
    ada.get_by_role("button", name="Archive").click()
    expect(ada.get_by_text("1 piece is done.")).to_be_visible()
