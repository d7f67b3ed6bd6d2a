"""The design system's promises that can be read from its files alone."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STATIC = ROOT / "saas" / "static"
SCRIPTS = sorted((STATIC / "js").glob("*.js"))
STYLES = sorted((STATIC / "css").glob("*.css"))

# Email programs read inline styles only, and the operators' admin has a look of its own.
PAGES = [path for path in TEMPLATES if not {"email", "admin"} & set(path.parts)]
INLINE_SCRIPT = re.compile(r"<script(?![^>]*\b(?:src=|type=\"application/json\"))[^>]*>", re.I)
INLINE_STYLE = re.compile(r"<style\b|\sstyle\s*=", re.I)
HANDLER = re.compile(r"<[^>]*\s(?:on[a-z]+|hx-on[:\w-]*)\s*=|javascript:", re.I)
COMMENT = re.compile(r"{#.*?#}|{% comment %}.*?{% endcomment %}", re.S)
STATIC_TAG = re.compile(r"{%\s*static\s+['\"]([^'\"{]+)['\"]")
PAIR = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")
TOKENS = {name: pair for name, *pair in PAIR.findall((STATIC / "css/tokens.css").read_text())}

SURFACES = ("canvas", "surface", "sunken", "hover", "raised")
INKS = ("text", "muted", "faint", "accent-text", "success", "warning", "danger", "info")
READABLE = [(ink, surface) for ink in INKS for surface in SURFACES] + [
    ("text", "chosen"),
    ("accent-text", "accent-soft"),
    ("muted", "accent-soft"),
    ("success", "success-soft"),
    ("warning", "warning-soft"),
    ("danger", "danger-soft"),
    ("info", "info-soft"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("on-danger", "danger-fill"),
]


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
@pytest.mark.parametrize("pattern", [INLINE_SCRIPT, INLINE_STYLE, HANDLER])
def test_no_template_has_inline_code(path: Path, pattern: re.Pattern[str]) -> None:
    assert pattern.search(COMMENT.sub("", path.read_text())) is None


def test_the_search_for_inline_code_finds_it() -> None:
    assert INLINE_SCRIPT.search("<script>alert(1)</script>")
    assert INLINE_STYLE.search('<p style="color: red">')
    assert HANDLER.search('<a onclick="x()">')
    assert not INLINE_SCRIPT.search('<script type="application/json">{}</script>')


def test_every_static_reference_exists() -> None:
    wanted = {name for path in TEMPLATES for name in STATIC_TAG.findall(path.read_text())}
    assert wanted
    assert [name for name in sorted(wanted) if finders.find(name) is None] == []


def test_every_icon_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "img/icons.svg").read_text()))
    used = {
        name
        for path in TEMPLATES
        for name in re.findall(r'{% icon "([\w-]+)"|\b(?:icon|end)="([\w-]+)"', path.read_text())
        for name in name
        if name
    }
    assert used
    assert used <= sprite


@pytest.mark.parametrize(("ink", "surface"), READABLE)
@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_text_is_readable_on_its_surface(ink: str, surface: str, mode: int) -> None:
    assert contrast(TOKENS[ink][mode], TOKENS[surface][mode]) >= 4.5


@pytest.mark.parametrize("surface", ["canvas", "surface", "sunken", "raised"])
@pytest.mark.parametrize("line", ["line-strong", "focus"])
@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_controls_and_focus_stand_out(line: str, surface: str, mode: int) -> None:
    assert contrast(TOKENS[line][mode], TOKENS[surface][mode]) >= 3


def test_contrast_is_the_one_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(
    "folder", sorted((STATIC / "vendor").iterdir()), ids=lambda path: path.name
)
def test_vendored_files_carry_their_licence(folder: Path) -> None:
    assert (folder / "LICENSE").read_text().strip()


@pytest.mark.parametrize("path", STYLES + SCRIPTS, ids=lambda path: path.name)
def test_own_files_stay_short_and_ask_no_other_host(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) < 400
    assert not re.search(r"https?://", text)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_build_no_code_from_text(path: Path) -> None:
    assert not re.search(r"\beval\(|new Function\(|innerHTML|document\.write", path.read_text())


def test_every_component_is_in_the_guide() -> None:
    guide = (ROOT / "docs" / "design-system.md").read_text()
    names = {path.stem.replace("_", "-") for path in (ROOT / "templates/cotton").glob("*.html")}
    assert {name for name in names if f"<c-{name}" not in guide} == set()


def test_every_component_in_use_exists() -> None:
    known = {path.stem.replace("_", "-") for path in (ROOT / "templates/cotton").glob("*.html")}
    used = {name for path in TEMPLATES for name in re.findall(r"<c-([\w-]+)", path.read_text())}
    assert used - known - {"slot", "vars"} == set()
