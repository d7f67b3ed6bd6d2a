"""The Chinese translation: complete, compiled, and with every placeholder in its place."""

import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "saas" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
IN_TEMPLATES = re.compile(r"""\{%\s*trans(?:late)?\s+(?:"([^"]+)"|'([^']+)')""")
IN_PYTHON = re.compile(r"""\b(?:gettext|gettext_lazy|_|N_)\(\s*"((?:[^"\\]|\\.)*)"\s*\)""")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}|</?\w+[^>]*>")


@pytest.fixture(scope="module")
def entries() -> list[polib.POEntry]:
    return [entry for entry in polib.pofile(str(CATALOGUE)) if not entry.obsolete]


def translations(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) or [entry.msgstr]


def texts() -> Iterator[tuple[Path, str]]:
    """Every marked text that stands on one line, with the file it stands in."""
    for template in (ROOT / "templates").rglob("*.*"):
        for found in IN_TEMPLATES.finditer(template.read_text()):
            yield template, found[1] or found[2]
    for package in ("saas", "tenants", "training", "generation"):
        for module in (ROOT / package).rglob("*.py"):
            for found in IN_PYTHON.finditer(module.read_text()):
                yield module, found[1].replace('\\"', '"').replace("\\n", "\n")


def test_every_marked_text_is_in_the_catalogue(entries: list[polib.POEntry]) -> None:
    known = {entry.msgid for entry in entries}
    missing = {f"{path.relative_to(ROOT)}: {text}" for path, text in texts() if text not in known}
    assert not missing, "run `make messages`, then translate"


def test_every_text_is_translated(entries: list[polib.POEntry]) -> None:
    assert len(entries) > 500
    assert [e.msgid for e in entries if e.fuzzy or not all(translations(e))] == []


def test_placeholders_survive_the_translation(entries: list[polib.POEntry]) -> None:
    for entry in entries:
        wanted = set(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
        for text in translations(entry):
            assert set(PLACEHOLDER.findall(text)) == wanted, entry.msgid


def test_the_compiled_catalogue_is_current(entries: list[polib.POEntry]) -> None:
    compiled = {e.msgid: translations(e) for e in polib.mofile(str(CATALOGUE.with_suffix(".mo")))}
    assert compiled == {entry.msgid: translations(entry) for entry in entries}
