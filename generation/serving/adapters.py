"""The adapter of a job: pinned when the job is asked for, used by each of its requests."""

from pathlib import Path
from typing import Any

from django.conf import settings

from generation.engine.types import AdapterRef, EngineError
from tenants.jobs.models import Lease
from training import files
from training.models import ModelVersion

# Errors that will not go away by trying again.
FINAL = frozenset({"adapter_not_available", "adapter_invalid", "adapter_base_mismatch"})


def adapter_for(lease: Lease) -> AdapterRef | None:
    """The job's adapter, as the engine takes it. Raises EngineError where it may not be used."""
    pin = lease.payload.get("adapter")
    if pin is None:
        return None
    version = ModelVersion.objects.active().filter(pk=pin["version"]).first()
    if version is None:
        raise not_available()
    path = files.local_folder(lease.tenant_id, pin["sha256"], pin["version"])
    ref = AdapterRef(id=pin["version"], path=str(path), sha256=pin["sha256"])
    if settings.ENGINE == "openai":  # its server is told a path, and finds the files there
        fetch(ref)
    return ref


def fetch(ref: AdapterRef) -> None:
    """Bring an adapter to this machine; our own engine calls it beside the batch."""
    try:
        files.fetch(Path(ref.path))
    except OSError as error:
        raise not_available() from error


def not_available() -> EngineError:
    return EngineError(
        "adapter_not_available", "The model that this was to be written with is not there any more."
    )


def engine_options() -> dict[str, Any]:
    """The settings' options; an engine that loads adapters itself is told where they come from."""
    fetching = {"fetch": fetch} if settings.ENGINE == "local" else {}
    return {**settings.ENGINE_OPTIONS, **fetching}
