"""Which app stands above which, and what a module of one names of those above it.

An import is one way to know a higher app; a dotted path, an URL name, a model's label, a kind of
job or a template in a string is another.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.source import ROOT, Source, imports

# From the bottom to the top: nothing knows what stands above it. The leaves come first, so that
# everybody may import them and they may import each other alone.
FLOORS = (
    ("generation.engine",),
    ("training.lora", "training.heads", "recommendations.ranking"),
    ("saas",),
    ("tenants",),
    ("tenants.idempotency", "tenants.billing", "tenants.jobs", "tenants.webhooks"),
    ("training",),
    ("recommendations",),
    ("generation",),
)
LEAVES = (*FLOORS[0], *FLOORS[1])
# Where the project is put together; they name what stands above them.
ROOTS = {"saas.urls", "saas.settings", "saas.asgi", "saas.celery", "saas.stack.start"}

# Apps by the label that models carry, and by the folder of their templates.
LABELS = {
    **{name: name for name in ("saas", "tenants", "training", "recommendations", "generation")},
    **{name: f"tenants.{name}" for name in ("idempotency", "billing", "jobs", "webhooks")},
}
OF_TENANTS = ("account", "admin", "allauth", "mfa", "usersessions")
TEMPLATES = {**LABELS, **dict.fromkeys(OF_TENANTS, "tenants")}

DOTTED = re.compile(r"[a-z_]+(?:\.\w+)+(?::\w+)?")
MODEL = re.compile(r"([a-z_]+)\.[A-Z]\w+")
TEMPLATE = re.compile(r"(\w+)/[\w/-]+\.(?:html|txt)")
IN_TEMPLATES = re.compile(r"""\{%\s*(url|include|extends)\s+["']([^"']+)["']""")
# Calls whose first argument is the name of an URL.
REVERSING = {"reverse", "reverse_lazy", "redirect", "go", "NavEntry"}


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def floor_of(module: str) -> int:
    """The floor with the longest package name that the module is in; -1 for others' modules."""
    found = [
        (len(package), floor)
        for floor, packages in enumerate(FLOORS)
        for package in packages
        if within(module, package)
    ]
    return max(found)[1] if found else -1


def climbs(source: Source) -> list[str]:
    """What the module imports from a floor above its own."""
    own = floor_of(source.module)
    return sorted({name for name in imports(source) if floor_of(name) > own})


@dataclass(frozen=True, slots=True)
class Names:
    """What strings can mean: URL names and kinds of job, each with the package that has it."""

    urls: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def meant(self, text: str) -> Iterator[str]:
        """The packages that a string names, wherever it stands."""
        if DOTTED.fullmatch(text) and is_module(text):
            yield text.partition(":")[0]
        if label := MODEL.fullmatch(text):
            yield LABELS.get(label[1], "")
        if found := TEMPLATE.fullmatch(text):
            yield TEMPLATES.get(found[1], "saas")
        if "-" in text:
            yield self.urls.get(text, "")
        yield self.kinds.get(text, "")

    def in_strings(self, source: Source) -> list[str]:
        """The module's strings that name something of a floor above its own."""
        own = floor_of(source.module)
        found = [(text, package) for text in strings(source.tree()) for package in self.meant(text)]
        found += self.called(source)
        return sorted({text for text, package in found if floor_of(package) > own})

    def called(self, source: Source) -> Iterator[tuple[str, str]]:
        """Arguments of calls that take an URL's name, or a model by its label and name."""
        for node in ast.walk(source.tree()):
            if not (isinstance(node, ast.Call) and node.args):
                continue
            first, name = node.args[0], getattr(node.func, "id", getattr(node.func, "attr", ""))
            if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
                continue
            if name in REVERSING:
                yield first.value, self.urls.get(first.value, "")
            elif name == "get_model":
                yield first.value, LABELS.get(first.value, "")

    def in_template(self, path: str, text: str) -> list[str]:
        """What a template names of apps above the one whose folder it lies in."""
        folder = path.partition("/")[0] if "/" in path else "saas"
        own = floor_of(TEMPLATES.get(folder, "saas"))
        found = []
        for tag, name in IN_TEMPLATES.findall(text):
            package = self.urls.get(name, "")
            if tag != "url":
                package = TEMPLATES.get(name.partition("/")[0], "saas")
            if floor_of(package) > own:
                found.append(name)
        return sorted(found)


def is_module(text: str) -> bool:
    """Whether a dotted path leads into a module of ours; `training.safetensors` is a file."""
    first, second = re.split(r"[.:]", text)[:2]
    return (ROOT / first / second).is_dir() or (ROOT / first / f"{second}.py").is_file()


def strings(tree: ast.AST) -> Iterator[str]:
    """Every string of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def templates() -> Iterator[tuple[str, str]]:
    """Every template by its path below `templates/`, with its text."""
    folder = ROOT / "templates"
    for path in sorted(folder.rglob("*.*")):
        yield path.relative_to(folder).as_posix(), Path(path).read_text()


def known_names() -> Names:
    """The names of the project as it is put together."""
    from django.urls import get_resolver

    from tenants.jobs.registry import kinds

    urls = dict(named_urls(get_resolver().url_patterns))
    return Names(urls, {kind.name: module_of(kind.handler) for kind in kinds()})


def named_urls(patterns: list[object]) -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from named_urls(pattern.url_patterns)
        elif name := getattr(pattern, "name", ""):
            view = pattern.callback  # type: ignore[attr-defined]
            yield name, getattr(view, "cls", view).__module__


def module_of(handler: str | Callable[..., object]) -> str:
    return handler if isinstance(handler, str) else handler.__module__
