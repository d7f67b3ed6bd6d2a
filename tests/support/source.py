"""The project's own source, for the tests that read it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("saas", "tenants", "training", "recommendations", "generation")


@dataclass(frozen=True, slots=True)
class Source:
    """One module: where it lies, what it is called, and what it says."""

    path: str
    text: str

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def package(self) -> str:
        whole = self.path.endswith("/__init__.py")
        return self.module if whole else self.module.rpartition(".")[0]

    def tree(self) -> ast.Module:
        return parsed(self.text)


@cache
def parsed(text: str) -> ast.Module:
    return ast.parse(text)


def sources(*folders: str) -> Iterator[Source]:
    for folder in folders or APPS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield Source(path.relative_to(ROOT).as_posix(), path.read_text())


def imports(source: Source) -> Iterator[str]:
    """Every module that is imported, also inside functions; `from a import b` gives a and a.b."""
    for node in ast.walk(source.tree()):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = source.package.split(".")
                base = ".".join([*parents[: len(parents) - node.level + 1], base]).strip(".")
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
