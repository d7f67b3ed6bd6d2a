"""The Chinese translation: complete, compiled, and with every placeholder in its place."""

import re
from collections.abc import Iterator
from os import utime
from pathlib import Path
from shutil import copy

import polib
import pytest

from saas.messages import compile_messages

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


def test_a_catalogue_is_compiled_when_its_texts_change(
    tmp_path: Path, entries: list[polib.POEntry]
) -> None:
    source, target = tmp_path / "django.po", tmp_path / "django.mo"
    copy(CATALOGUE, source)
    compile_messages(tmp_path)
    compiled = {entry.msgid: translations(entry) for entry in polib.mofile(str(target))}
    assert compiled == {entry.msgid: translations(entry) for entry in entries}

    made = target.stat().st_mtime_ns
    compile_messages(tmp_path)
    assert target.stat().st_mtime_ns == made
    utime(source, (made / 1e9 + 1, made / 1e9 + 1))
    compile_messages(tmp_path)
    assert target.stat().st_mtime_ns > made
