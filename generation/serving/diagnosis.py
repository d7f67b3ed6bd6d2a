"""What doctor sees of the engine that writes: its model, its server, its GPU."""

from collections.abc import Iterator

import httpx
from django.conf import settings

from saas.diagnosis import Finding, fault, ok

TIMEOUT_S = 5.0
CONVERT = "python -m generation.engine.convert"


def engine() -> Iterator[Finding]:
    yield from {"local": _local, "openai": _openai, "echo": _echo}[settings.ENGINE]()


def _echo() -> Iterator[Finding]:
    yield fault("ENGINE=echo repeats the brief.", "Set ENGINE=local or ENGINE=openai.")


def _local() -> Iterator[Finding]:
    if (settings.BASE_MODEL / "config.json").exists():
        yield ok(f"the base model is in {settings.BASE_MODEL}")
    else:
        cure = f"Set BASE_MODEL to a model's folder, or run `{CONVERT} {settings.BASE_MODEL}`."
        yield fault(f"There is no model in {settings.BASE_MODEL}.", cure)
    if settings.ENGINE_OPTIONS["device"] == "cuda":
        yield from _gpu()


def _gpu() -> Iterator[Finding]:
    import torch

    if torch.cuda.is_available():
        yield ok(f"GPU {torch.cuda.get_device_name()}")
    else:
        yield fault("torch sees no GPU.", "Mend the driver, or set ENGINE_DEVICE=cpu.")


def _openai() -> Iterator[Finding]:
    url, key = str(settings.ENGINE_OPTIONS["base_url"]), str(settings.ENGINE_OPTIONS["api_key"])
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        answer = httpx.get(f"{url}/models", headers=headers, timeout=TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        yield fault(f"The model server at {url} said: {error}", "Start it, or set OPENAI_BASE_URL.")
        return
    if answer.status_code in {401, 403}:
        yield fault("The model server refuses the key.", "Set OPENAI_API_KEY.")
    elif answer.is_success:
        yield ok(f"the model server at {url} answers")
    else:
        yield fault(f"The model server answers {answer.status_code}.", "Look into its log.")
