"""Who writes a text, settled when it is asked for: an adapter, the bare base, another server."""

from dataclasses import dataclass, field
from typing import Any

from generation.models import Endpoint
from training.models import ModelVersion
from training.services import writer


@dataclass(frozen=True, slots=True)
class Hand:
    """What the job's payload says about its writer, and whether the writing costs credits."""

    payload: dict[str, Any] = field(default_factory=dict)
    charged: bool = True


def hand_now() -> Hand:
    """The workspace's own server where one is in use, else what is live here.

    Raises AdapterNotAvailable or BaseMismatch where that cannot be used.
    """
    return elsewhere() or hand_of(writer())


def elsewhere() -> Hand | None:
    """The workspace's own server, which wears no adapters; None where none is in use."""
    mark = Endpoint.objects.mark()
    return Hand(mark, charged=False) if mark else None


def hand_of(version: ModelVersion | None) -> Hand:
    """This version here; none is the bare base."""
    if version is None:
        return Hand()
    return Hand({"adapter": {"version": str(version.pk), "sha256": version.sha256}})
