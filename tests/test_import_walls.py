"""Imports run one way, the engine knows no Django, and the web process knows no torch."""

import os
import subprocess
import sys

import pytest

from tests.support.source import ROOT, Source, imports, sources
from tests.support.tally import tally

# From the bottom to the top: nothing imports what stands above it.
FLOORS = (
    ("generation.engine", "recommendations.ranking"),
    ("training.lora", "training.heads"),
    ("saas",),
    ("tenants",),
    ("tenants.idempotency", "tenants.billing", "tenants.jobs"),
    ("training",),
    ("recommendations",),
    ("generation",),
)
# Where the project is put together; they name what stands above them.
ROOTS = {"saas.urls", "saas.settings", "saas.asgi", "saas.celery"}
DJANGO_FREE = (
    *("generation/engine", "generation/kinds", "generation/writers"),
    *("recommendations/ranking", "training/lora", "training/heads"),
)
# What trains models runs on workers only.
WORKERS_ONLY = (
    *("recommendations.ranking.sequence.loss", "recommendations.ranking.sequence.model"),
    "recommendations.ranking.sequence.training",
)
ABOVE_THE_ENGINE = ("django", "rest_framework", "celery", "saas", "tenants")
# The kernels' compiler comes with torch's builds for GPUs only; nothing else may need it.
TRITON = {"generation/engine/gpu/attention.py", "generation/engine/gpu/lora.py"}
COUNT = tally("imports")


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


def test_imports_run_one_way() -> None:
    found = {}
    for source in sources():
        COUNT.attempts += 1
        if source.module not in ROOTS and (names := climbs(source)):
            found[source.path] = names
    COUNT.failures += len(found)
    assert found == {}


def test_a_wrong_import_would_be_found() -> None:
    wrong = {
        "saas/x.py": "from tenants.models import User",
        "generation/engine/x.py": "from training import models",
        "training/lora/x.py": "from training.models import ModelVersion",
        "tenants/x.py": "def f():\n    import tenants.jobs.services",
        "tenants/views/x.py": "from tenants import billing",
        "tenants/billing/x.py": "from generation import kinds",
    }
    for path, text in wrong.items():
        assert climbs(Source(path, text)), text
        COUNT.controls += 1
    assert not climbs(Source("generation/x.py", "from tenants.jobs import services"))


@pytest.mark.parametrize("folder", DJANGO_FREE)
def test_leaves_kinds_and_writers_import_nothing_from_above(folder: str) -> None:
    inside = tuple(free.replace("/", ".") for free in DJANGO_FREE)
    ours = ("training.", "recommendations.", "generation.")
    found = {
        (source.path, name)
        for source in sources(folder)
        for name in imports(source)
        if within_any(name, ABOVE_THE_ENGINE)
        or (name.startswith(ours) and not within_any(name, inside))
    }
    assert found == set()


def within_any(module: str, packages: tuple[str, ...]) -> bool:
    return any(within(module, package) for package in packages)


def loaded(code: str, *wanted: str, **environment: str) -> list[str]:
    """Which of the modules a fresh process has loaded after running the code."""
    probe = f"{code}\nimport sys\nprint(*[name for name in {wanted!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[-2].split()


def modules(*folders: str) -> str:
    names = [source.module for source in sources(*folders) if source.path not in TRITON]
    return f"import importlib\nfor name in {names!r}:\n    importlib.import_module(name)"


def test_kinds_and_writers_load_without_django_and_torch() -> None:
    unwanted = ("django", "rest_framework", "celery", "torch", "transformers", "tenants")
    assert loaded(modules("generation/kinds", "generation/writers"), *unwanted) == []


def test_the_engine_loads_without_django() -> None:
    assert loaded(modules("generation/engine"), "django", "celery", "tenants") == []


def test_only_kernels_need_their_compiler() -> None:
    found = {source.path for source in sources() if "triton" in set(imports(source))}
    assert found == TRITON
    assert loaded(modules("generation/engine/gpu"), "triton", "triton.language") == []


def test_the_format_of_adapters_loads_without_torch() -> None:
    assert loaded("import generation.engine.lora.peft", "torch", "safetensors", "django") == []


def test_ranking_loads_without_torch_where_nothing_is_trained() -> None:
    names = [source.module for source in sources("recommendations/ranking")]
    kept = [name for name in names if name not in WORKERS_ONLY]
    probe = f"import importlib\nfor name in {kept!r}:\n    importlib.import_module(name)"
    unwanted = ("django", "torch", "sklearn", "scipy", "transformers", "tenants")
    assert loaded(probe, *unwanted) == []
    assert len(names) - len(kept) == len(WORKERS_ONLY)


def test_the_engines_types_load_without_torch() -> None:
    assert loaded("import generation.engine.types", "torch", "transformers", "django") == []


# What saas.asgi does before it asks the database whether tenants are isolated.
WEB = """
from django.core.asgi import get_asgi_application
from django.urls import get_resolver

get_asgi_application()

def walk(patterns):
    for pattern in patterns:
        walk(pattern.url_patterns) if hasattr(pattern, "url_patterns") else pattern.callback

walk(get_resolver().url_patterns)
"""


def test_the_web_process_never_loads_torch() -> None:
    settings = {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    assert loaded(WEB, "torch", "transformers", "xgrammar", **settings) == []


def test_the_probe_sees_what_is_loaded() -> None:
    assert loaded("import json", "json", "torch") == ["json"]
    COUNT.controls += 1
