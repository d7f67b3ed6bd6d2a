"""Which model serves a job, resolved when it is asked for."""

from dataclasses import dataclass, field
from typing import Any

from generation.models import Endpoint
from training.models import ModelVersion
from training.services import writer


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """What the job's payload says about its writer, and whether the writing costs credits."""

    payload: dict[str, Any] = field(default_factory=dict)
    charged: bool = True


def resolve_model() -> ModelChoice:
    """The workspace's own server where one is in use, else what is live here.

    Raises AdapterNotAvailable or BaseMismatch where that cannot be used.
    """
    return customer_endpoint() or choice_of(writer())


def customer_endpoint() -> ModelChoice | None:
    """The workspace's own server, which uses none of our adapters; None where none is in use."""
    ref = Endpoint.objects.payload_ref()
    return ModelChoice(ref, charged=False) if ref else None


def choice_of(version: ModelVersion | None) -> ModelChoice:
    """This version here; none is the bare base."""
    if version is None:
        return ModelChoice()
    return ModelChoice({"adapter": {"version": str(version.pk), "sha256": version.sha256}})
