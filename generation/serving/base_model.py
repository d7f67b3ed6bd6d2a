"""The base model as the web process sees it: its name, the hash of its weights, its sizes."""

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from generation.engine.config import ModelConfig
from generation.engine.echo import BASE_SHA256
from generation.engine.lora.base_model import BaseModel
from generation.engine.openai import OpenAISettings
from generation.engine.types import EngineError
from generation.engine.weights import weight_files, weights_sha256
from generation.models import Endpoint
from saas.errors import Unavailable

MANIFEST = "manifest.json"
Fingerprint = tuple[tuple[str, int, int], ...]


def current() -> BaseModel | None:
    """What adapters are for here; None where nothing that writes can use any.

    Raises Unavailable while the model is not there.
    """
    found = local_base()
    return replace(found, bypassed=bool(Endpoint.objects.payload_ref())) if found else None


def local_base() -> BaseModel | None:
    if settings.ENGINE == "echo":
        return BaseModel("echo", BASE_SHA256)
    if settings.ENGINE == "openai":
        options: dict[str, Any] = settings.ENGINE_OPTIONS
        return remote_base(OpenAISettings(**options))
    folder = Path(settings.BASE_MODEL)
    try:
        return read(folder, fingerprint(folder))
    except (EngineError, OSError) as error:
        if isinstance(error, EngineError) and error.code == "model_unsupported":
            return None
        raise Unavailable(_("The base model is not there yet.")) from error


def parameters() -> int:
    """About how many parameters the local base has, at two bytes each; 0 where it is not there."""
    if settings.ENGINE != "local":
        return 0
    try:
        return sum(size for _name, size, _time in fingerprint(Path(settings.BASE_MODEL))) // 2
    except (EngineError, OSError):
        return 0


def remote_base(server: OpenAISettings) -> BaseModel | None:
    """A server's model, where the server loads our adapters; its sizes are its own business."""
    if server.way_with_adapters != "loaded":
        return None
    return BaseModel(server.model, server.sha256)


def fingerprint(folder: Path) -> Fingerprint:
    """Changes when a file of the model does."""
    found = [(path.name, path.stat()) for path in weight_files(folder)]
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in found)


@lru_cache(maxsize=4)
def read(folder: Path, fingerprint: Fingerprint) -> BaseModel:
    """The model in the folder. The engine hashes for itself what it loads; here a note will do."""
    return BaseModel(
        folder.name, manifest_sha256(folder) or weights_sha256(folder), ModelConfig.read(folder)
    )


def manifest_sha256(folder: Path) -> str:
    """The hash that our own converter wrote down, where it fits the file that lies there."""
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError):
        return ""
    paths = weight_files(folder)
    note = files.get(paths[0].name, {})
    fits = len(paths) == 1 and note.get("bytes") == paths[0].stat().st_size
    return str(note["sha256"]) if fits else ""
