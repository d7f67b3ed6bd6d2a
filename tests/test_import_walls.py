"""Imports and names run one way, leaves know no Django, and the web process knows no torch."""

import os
import subprocess
import sys
from collections.abc import Iterable

import pytest

from tests.support.floors import (
    LEAVES,
    ROOTS,
    Names,
    climbs,
    floor_of,
    known_names,
    templates,
    within,
)
from tests.support.source import ROOT, Source, imports, sources
from tests.support.tally import tally

# What is free of Django, and what of ours it may import beside itself.
DJANGO_FREE = {
    **dict.fromkeys(LEAVES, LEAVES),
    "generation.kinds": LEAVES,
    "generation.writers": (*LEAVES, "generation.kinds"),
}
FRAMEWORKS = ("django", "rest_framework", "celery")
# What trains models runs on workers only.
WORKERS_ONLY = (
    *("recommendations.ranking.sequence.loss", "recommendations.ranking.sequence.model"),
    *("recommendations.ranking.sequence.training", "recommendations.ranking.ranker_training"),
)
# The kernels' compiler comes with torch's builds for GPUs only; nothing else may need it.
TRITON = {"generation/engine/gpu/attention.py", "generation/engine/gpu/lora.py"}
COUNT = tally("imports")


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
        "generation/engine/y.py": "from training.lora import loop",
        "training/lora/x.py": "from saas.errors import AppError",
        "tenants/x.py": "def f():\n    import tenants.jobs.services",
        "tenants/views/x.py": "from tenants import billing",
        "tenants/billing/x.py": "from generation import kinds",
        "training/x.py": "from recommendations import models",
        "recommendations/x.py": "from generation.models import Brand",
    }
    for path, text in wrong.items():
        assert climbs(Source(path, text)), text
        COUNT.controls += 1
    right = {
        "generation/x.py": "from tenants.jobs import services",
        "training/x.py": "from generation.engine.lora import peft",
        "training/lora/x.py": "from generation.engine import model",
        "recommendations/x.py": "from training.models import ModelVersion",
    }
    for path, text in right.items():
        assert not climbs(Source(path, text)), text


def test_names_in_strings_run_one_way() -> None:
    names, found = known_names(), {}
    for source in sources():
        COUNT.attempts += 1
        if source.module not in ROOTS and (strings := names.in_strings(source)):
            found[source.path] = strings
    for path, text in templates():
        COUNT.attempts += 1
        if strings := names.in_template(path, text):
            found[f"templates/{path}"] = strings
    COUNT.failures += len(found)
    assert found == {}


def test_a_wrong_string_would_be_found() -> None:
    names = Names(
        urls={"home": "generation.views.home", "model-list": "training.views", "team": "tenants.v"},
        kinds={"generate.variant": "generation.works"},
    )
    wrong = {
        "saas/x.py": "DIRECTORY = 'tenants.lookups.workspaces_of'",
        "saas/y.py": "task = 'tenants.services:audit'",
        "tenants/x.py": "reverse('home', args=[slug])",
        "tenants/y.py": "names = ['model-list']",
        "tenants/z.py": "apps.get_model('jobs', 'Job')",
        "tenants/models.py": "TenantForeignKey('generation.Brand')",
        "tenants/jobs/x.py": "if kind == 'generate.variant': ...",
        "training/x.py": "render(request, 'generation/home.html')",
    }
    for path, text in wrong.items():
        assert names.in_strings(Source(path, text)), text
        COUNT.controls += 1
    right = {
        "saas/x.py": "raise Missing('tenants. Or: home')",
        "tenants/x.py": "reverse('team'); title = 'home'",
        "tenants/jobs/x.py": "ForeignKey('tenants.Tenant'); run = 'training.lora.loop'",
        "training/lora/x.py": "STATE = 'training.safetensors'",
        "generation/x.py": "reverse('model-list'); kind = 'generate.variant'",
    }
    for path, text in right.items():
        assert not names.in_strings(Source(path, text)), text


def test_a_wrong_name_in_a_template_would_be_found() -> None:
    names = Names(urls={"home": "generation.views.home", "team": "tenants.views"})
    wrong = {
        "base.html": "{% url 'team' slug %}",
        "tenants/team.html": "{% url 'home' slug=each.slug as address %}",
        "cotton/card.html": '{% include "jobs/_button.html" %}',
    }
    for path, text in wrong.items():
        assert names.in_template(path, text), text
        COUNT.controls += 1
    assert not names.in_template("generation/x.html", "{% extends 'base.html' %}{% url 'team' %}")


@pytest.mark.parametrize("package", DJANGO_FREE)
def test_what_is_free_of_django_imports_leaves_alone(package: str) -> None:
    inside = (package, *DJANGO_FREE[package])
    assert foreign(sources_of(package), inside) == set()


def foreign(found: Iterable[Source], inside: tuple[str, ...]) -> set[tuple[str, str]]:
    """What the sources import of the frameworks, and of ours outside of these packages."""
    return {
        (source.path, name)
        for source in found
        for name in imports(source)
        if any(within(name, framework) for framework in FRAMEWORKS)
        or (floor_of(name) >= 0 and not any(within(name, package) for package in inside))
        and not is_parent(name, inside)
    }


def is_parent(name: str, packages: tuple[str, ...]) -> bool:
    """`from generation import kinds` names generation too, which holds nothing of its own."""
    return any(within(package, name) for package in packages)


def sources_of(package: str) -> list[Source]:
    """A package's modules, or the one module of that name; none where it is not built yet."""
    return [source for source in sources() if within(source.module, package)]


def test_a_leaf_with_django_would_be_found() -> None:
    inside = ("generation.kinds", *LEAVES)
    for text in ("import django", "from saas import errors", "from generation.models import Brand"):
        assert foreign([Source("generation/kinds/x.py", text)], inside), text
        COUNT.controls += 1
    right = "from generation import kinds\nfrom generation.engine.types import Usage\nimport torch"
    assert not foreign([Source("generation/kinds/x.py", right)], inside)


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
