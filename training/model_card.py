"""A model's card: what it is for, what it was taught with and how good it was; as Markdown too."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from training.models import ModelVersion

# What of the measures fits into a line each.
MEASURES = ("accuracy", "macro_f1", "micro_f1", "f1", "precision", "recall", "ece")


@dataclass(frozen=True, slots=True)
class Part:
    """A heading and facts under it."""

    title: str
    facts: list[tuple[str, str]] = field(default_factory=list)


def model_card(version: ModelVersion) -> list[Part]:
    card = version.card
    parts = [Part(_("What it is"), list(identity(version)))]
    if "dataset" in card:
        parts.append(Part(_("What it was taught with"), list(data_facts(card))))
        parts.append(Part(_("How it was taught"), list(recipe_facts(card))))
    if version.evaluation:
        parts.append(Part(_("How good it was"), list(quality_facts(version.evaluation))))
    return parts


def identity(version: ModelVersion) -> Iterator[tuple[str, str]]:
    yield _("Task"), str(version.get_task_display())
    yield _("Method"), version.method
    yield _("Base"), f"{version.base_name} ({version.base_sha256[:12]})"
    yield "SHA-256", version.sha256
    yield _("Made"), f"{version.created_at:%Y-%m-%d %H:%M} UTC"
    if version.parent:
        yield _("Before it"), str(version.parent)


def data_facts(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield _("Dataset"), f"{card['dataset']} ({card['dataset_version']})"
    yield _("Rows"), str(card["rows"])
    yield _("Hash of the rows"), str(card["dataset_sha256"])[:12]


def recipe_facts(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in sorted(card["recipe"].items()):
        yield name, str(value)
    yield _("Seconds"), f"{card['seconds']:.0f}"


def quality_facts(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield _("Test rows"), str(found["rows"])
    for name in MEASURES:
        value = found.get("metrics", {}).get(name)
        if value is not None:
            yield name, with_interval(value, found.get("intervals", {}).get(name))
    yield _("Before, or without it"), f"{found['base']:.4g}"
    yield _("With it"), f"{found['candidate']:.4g}"
    yield _("Chance alone would do as much in"), f"{100 * found['p_value']:.1f} %"


def with_interval(value: float, ends: list[float] | None) -> str:
    return f"{value:.4f}" + (f" ({ends[0]:.4f} – {ends[1]:.4f})" if ends else "")


def card_markdown(version: ModelVersion) -> str:
    """The same as a Markdown file."""
    lines = [f"# {escaped(version.name)} ({version.number})", ""]
    if version.note:
        lines += [escaped(version.note), ""]
    for part in model_card(version):
        lines += [f"## {part.title}", ""]
        lines += [f"- {escaped(name)}: {escaped(value)}" for name, value in part.facts] + [""]
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Names are people's own: none of their signs is Markdown's."""
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]<>#|" else sign for sign in text)
