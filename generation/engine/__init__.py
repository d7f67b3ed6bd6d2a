"""The text engine behind one interface; nothing here knows Django, and only `local` needs torch."""

import os
from importlib import import_module
from typing import Any

from generation.engine.types import Engine

# Read when torch is first loaded. By default its threads spin while they wait for one another,
# which is up to a hundred times slower as soon as anything else uses the machine's cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

ENGINES = {
    "local": "generation.engine.local.LocalEngine",
    "openai": "generation.engine.openai.OpenAIEngine",
    "echo": "generation.engine.echo.EchoEngine",
}


def load(name: str, **options: Any) -> Engine:
    """The engine called `name`; its module is imported only now, so that others stay light."""
    if name not in ENGINES:
        raise ValueError(f"Unknown engine {name!r}; known: {', '.join(sorted(ENGINES))}.")
    module, _, attribute = ENGINES[name].rpartition(".")
    engine: Engine = getattr(import_module(module), attribute)(**options)
    return engine
