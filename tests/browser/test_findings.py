"""Findings where they stand: the badge leads to the words, the editor underlines them."""

from playwright.sync_api import Page, expect

from generation.models import Brand, Brief, Content, Variant
from tenants.models import Tenant

AD = {"headlines": ["Anvils that land", "Cheap anvils"], "descriptions": ["Heavy and black."]}


def written() -> Variant:
    """An ad with a word that the brand bans."""
    brief = Brief.objects.create(
        kind="search_ad",
        title="Anvils",
        fields={"product": "Anvils", "points": ["Heavy and black"]},
        brand=Brand.objects.first(),
    )
    kind = brief.kind_spec
    issue = {"code": "banned_term", "message": "No.", "params": {}, "severity": "error"}
    place = {"part": "headlines.1", "start": 0, "end": 5, "suggestion": ""}
    return Variant.objects.create(
        brief=brief,
        number=1,
        state=Variant.State.READY,
        text=kind.render(AD),
        model_text=kind.render(AD),
        data=AD,
        issues=[issue | place],
    )


def test_the_badge_leads_to_the_words(ada: Page, lumen: Tenant) -> None:
    ada.goto(written().brief.get_absolute_url())
    ada.get_by_role("link", name="1 to check").click()
    expect(ada.locator("mark#variant-1-found-0")).to_have_text("Cheap")
    assert ada.url.endswith("#variant-1-found-0")


def test_the_editor_underlines_what_is_wrong_as_one_types(ada: Page, lumen: Tenant) -> None:
    variant = written()
    content = Content(kind="search_ad", title="Anvils", brief=variant.brief)
    content.add_version(text=variant.text, data=AD)
    ada.goto(content.get_absolute_url())
    field = ada.locator("#id_headlines-1")
    expect(ada.locator("#id_headlines-1 + .underlay mark.found-error")).to_have_text("Cheap")
    box, layer = field.bounding_box(), ada.locator("#id_headlines-1 + .underlay").bounding_box()
    assert box is not None
    assert layer is not None
    assert (round(box["x"]), round(box["y"])) == (round(layer["x"]), round(layer["y"]))
    ada.locator("#preview [data-part='headlines.1'] [data-finding]").first.click()
    selected = field.evaluate("f => f.value.slice(f.selectionStart, f.selectionEnd)")
    assert selected == "Cheap"
    field.fill("Anvils for heavy work")
    expect(ada.locator("#id_headlines-1 + .underlay mark.found-error")).to_have_count(0)
    field.fill("Really cheap anvils")
    expect(ada.locator("#id_headlines-1 + .underlay mark.found-error")).to_have_text("cheap")


def test_a_post_is_counted_while_one_types(ada: Page, lumen: Tenant) -> None:
    brief = Brief.objects.create(
        kind="social_post",
        title="Anvils",
        fields={"network": "x", "product": "Anvils", "points": ["Heavy"]},
        brand=Brand.objects.first(),
    )
    content = Content(kind="social_post", title="Anvils", brief=brief)
    content.add_version(text="Anvils", data={"text": "Anvils", "hashtags": []})
    ada.goto(content.get_absolute_url())
    ada.locator("#id_text-0").fill("https://example.com/" + "a" * 300)
    expect(ada.locator("[data-post-length]")).to_contain_text("23 of 280")
    ada.locator("#id_text-0").fill("铁" * 141)
    expect(ada.locator("[data-post-length].over")).to_contain_text("282 of 280")
