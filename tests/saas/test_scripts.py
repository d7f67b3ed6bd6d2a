"""The portal's ES modules in a real Chromium, under the portal's content policy."""

import json
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import chromium
from tests.support.site import Answer, Asked, Site, serving

pytestmark = pytest.mark.browser

WORDS = 'data-text-copied="Copied" data-text-offline="Offline" data-text-error="Failed"'
TOASTS = """
<div id="toasts" role="status"></div>
<template id="toast-info"><div class="toast"><p><span data-toast-text></span>
<small data-toast-note></small></p><button data-toast-close>x</button></div></template>
<dialog id="confirm-dialog"><form method="dialog"><p data-confirm-text></p>
<button value="">No</button><button value="yes" data-confirm-yes data-default="Yes">Yes</button>
</form></dialog>
"""
CARD = """
<article data-stream-card="{job}" data-state="queued"><span data-stream-status
data-text-running="Writing" data-text-done="Done" data-text-failed="Failed"></span>
<div><div data-stream-copy></div></div><small data-stream-usage></small></article>
"""

Show = Callable[..., Page]
Answers = dict[str, Callable[[Asked], Answer]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as started:
        yield started


@pytest.fixture
def show(browser: Browser, site: Site) -> Iterator[Show]:
    """Shows a page with this body and these modules; `answers` maps a path to its answer."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(5000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda note: errors.append(note.text) if note.type == "error" else None)

    def show(body: str, *modules: str, answers: Answers | None = None) -> Page:
        site.page, site.answers = html(body, modules), answers or {}
        page.goto(site.url)
        return page

    yield show
    context.close()
    assert [error for error in errors if "409" not in error] == []


def html(body: str, modules: tuple[str, ...]) -> str:
    loaded = "".join(f'<script type="module" src="/js/{name}.js"></script>' for name in modules)
    head = f'<meta charset="utf-8"><meta name="csrf-token" content="t0ken">{loaded}'
    theme = '<script src="/js/theme.js"></script>'
    return f"<!doctype html><html><head>{theme}{head}</head><body {WORDS}>{body}{TOASTS}"


def events(*rows: tuple[str, dict[str, str]], first: int = 1) -> Answer:
    lines = [
        f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n"
        for number, (name, data) in enumerate(rows, first)
    ]
    return Answer("retry: 50\n\n" + "".join(lines), kind="text/event-stream")


def streaming(*jobs: str) -> str:
    return f'<div data-stream="/stream">{"".join(CARD.format(job=job) for job in jobs)}</div>'


def test_each_variant_gets_its_own_words(show: Show) -> None:
    rows = [
        ("token", {"job": "a", "text": "Warm "}),
        ("token", {"job": "b", "text": "Cold"}),
        ("token", {"job": "a", "text": "oats"}),
        ("usage", {"job": "a", "text": "12 tokens"}),
        ("done", {"job": "a"}),
        ("error", {"job": "b", "text": "Out of credits"}),
    ]
    page = show(streaming("a", "b"), "stream", answers={"/stream": lambda _: events(*rows)})
    a, b = page.locator("article").all()
    expect(a.locator("[data-stream-copy]")).to_have_text("Warm oats")
    expect(a).to_have_attribute("data-state", "done")
    expect(a.locator("[data-stream-usage]")).to_have_text("12 tokens")
    expect(b).to_have_attribute("data-state", "failed")
    expect(b.locator("[data-stream-status]")).to_have_text("Out of credits")


def test_a_broken_stream_resumes_behind_the_last_event(show: Show) -> None:
    seen: list[str | None] = []

    def stream(asked: Asked) -> Answer:
        seen.append(asked.headers.get("last-event-id"))
        if len(seen) == 1:
            return events(("token", {"text": "One "}), ("token", {"text": "two "}))
        return events(("token", {"text": "three"}), ("done", {}), first=3)

    page = show(streaming("a"), "stream", answers={"/stream": stream})
    expect(page.locator("[data-stream-copy]")).to_have_text("One two three")
    expect(page.locator("article")).to_have_attribute("data-state", "done")
    assert seen == [None, "2"]


def test_sections_get_their_heading_and_a_reset_starts_over(show: Show) -> None:
    rows = [
        ("token", {"text": "Wrong"}),
        ("reset", {}),
        ("section", {"text": "Why oats"}),
        ("token", {"text": "They keep."}),
        ("done", {}),
    ]
    page = show(streaming("a"), "stream", answers={"/stream": lambda _: events(*rows)})
    copy = page.locator("[data-stream-copy]")
    expect(copy.locator("section h3")).to_have_text("Why oats")
    expect(copy.locator("section p")).to_have_text("They keep.")
    expect(copy).not_to_contain_text("Wrong")


def test_streamed_markup_stays_text(show: Show) -> None:
    rows = [("token", {"text": "<img src=x onerror=alert(1)>"}), ("done", {})]
    page = show(streaming("a"), "stream", answers={"/stream": lambda _: events(*rows)})
    expect(page.locator("[data-stream-copy]")).to_have_text("<img src=x onerror=alert(1)>")
    assert page.locator("[data-stream-copy] img").count() == 0


def test_the_theme_is_there_before_the_page_and_follows_the_toggle(show: Show) -> None:
    page = show('<button data-theme-choice="dark">Dark</button>')
    page.get_by_text("Dark").click()
    page.reload(wait_until="commit")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_text("Dark")).to_have_attribute("aria-pressed", "true")


def test_nothing_is_sent_before_the_question_is_answered(show: Show) -> None:
    sent: list[str] = []

    def gone(asked: Asked) -> Answer:
        sent.append(asked.method)
        return Answer(status=204)

    form = '<form method="post" action="/gone" data-confirm="Delete it?"><button>Go</button></form>'
    page = show(form, "confirm", "requests", answers={"/gone": gone})
    page.get_by_role("button", name="Go").click()
    expect(page.locator("#confirm-dialog")).to_contain_text("Delete it?")
    page.get_by_role("button", name="No").click()
    assert sent == []
    page.get_by_role("button", name="Go").click()
    page.get_by_role("button", name="Yes").click()
    page.wait_for_timeout(200)
    assert sent == ["POST"]


def test_a_menu_opens_closes_and_gives_the_focus_back(show: Show) -> None:
    menu = (
        '<details class="menu"><summary>More</summary>'
        '<button class="menu-item">One</button><button class="menu-item">Two</button></details>'
    )
    page = show(menu, "menu")
    page.get_by_text("More").click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_text("Two")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("details")).not_to_have_attribute("open", re.compile(".*"))
    expect(page.get_by_text("More")).to_be_focused()


def test_the_counter_knows_wide_characters(show: Show) -> None:
    limit = (
        '<input id="h"><span data-limit-for="h" data-max="4" data-wide>'
        '<meter max="4"></meter><b data-count>0</b></span>'
    )
    page = show(limit, "counter")
    page.locator("#h").fill("ab燕")
    expect(page.locator("[data-count]")).to_have_text("4")
    page.locator("#h").fill("ab燕麦")
    expect(page.locator("[data-limit-for]")).to_have_attribute("data-over", "")


def test_keys_go_to_rooms_but_not_while_typing(show: Show) -> None:
    page = show('<a data-go="l" href="#library">Library</a><input>', "shortcuts")
    page.locator("input").press_sequentially("gl")
    assert "#library" not in page.url
    page.locator("input").blur()
    page.keyboard.press("g")
    page.keyboard.press("l")
    expect(page).to_have_url(re.compile("#library$"))


def test_ctrl_enter_sends_the_form(show: Show) -> None:
    page = show('<form action="/#sent"><textarea></textarea></form>', "shortcuts")
    page.locator("textarea").press("Control+Enter")
    expect(page).to_have_url(re.compile("#sent$"))


def test_the_palette_filters_and_goes(show: Show) -> None:
    palette = (
        '<button data-dialog-open="palette">Find</button><dialog id="palette">'
        '<input role="combobox"><ul role="listbox">'
        '<li role="option" id="o1" data-href="#home">Home</li>'
        '<li role="option" id="o2" data-href="#library">Library</li></ul>'
        "<p data-palette-none hidden>None</p></dialog>"
    )
    page = show(palette, "menu", "shortcuts", "palette")
    page.keyboard.press("Control+k")
    page.keyboard.type("libr")
    expect(page.locator("[aria-selected=true]")).to_have_text("Library")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#library$"))


def test_a_toast_shows_text_as_text(show: Show) -> None:
    page = show("", "toast")
    page.evaluate(
        "document.dispatchEvent(new CustomEvent('toast', {detail: {text: '<b>Saved</b>'}}))"
    )
    expect(page.locator(".toast [data-toast-text]")).to_have_text("<b>Saved</b>")
    page.locator("[data-toast-close]").click()
    expect(page.locator(".toast")).to_have_count(0)
