"""Which model serves a job, resolved when it is asked for."""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from generation import writers
from generation.kinds.kind import Kind
from generation.models import Endpoint
from generation.serving import base_model
from generation.writers import WriterName
from generation.writers.writer import Writer
from training.models import ModelVersion
from training.services import writer


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """What the job's payload says about the model, who leads it through a piece of copy, and
    whether its work costs credits."""

    payload: dict[str, Any] = field(default_factory=dict)
    writer: WriterName = "guided"
    charged: bool = True

    def writer_for(self, kind: Kind) -> Writer:
        """The writer of this kind of copy."""
        return writers.load(self.writer, kind)


def resolve_model() -> ModelChoice:
    """The workspace's own server where one is in use, else what is live here.

    Raises AdapterNotAvailable or BaseMismatch where that cannot be used.
    """
    return customer_endpoint() or choice_of(writer())


def default_choice() -> ModelChoice:
    """What serves, whichever version is live: enough for an estimate, and it never raises."""
    return customer_endpoint() or choice_of(None)


def customer_endpoint() -> ModelChoice | None:
    """The workspace's own server, which uses none of our adapters; None where none is in use."""
    ref = Endpoint.objects.payload_ref()
    if not ref:
        return None
    writer: WriterName = "guided" if Endpoint.objects.writer() == "guided" else "direct"
    return ModelChoice(ref, writer, charged=False)


def choice_of(version: ModelVersion | None) -> ModelChoice:
    """This version here; none is the bare base."""
    pin = {"version": str(version.pk), "sha256": version.sha256} if version else None
    return ModelChoice({"adapter": pin} if pin else {}, platform_writer())


def platform_writer() -> WriterName:
    """A small base of our own is guided; a large one, and a server, are given the whole brief."""
    if settings.ENGINE == "openai":
        return "direct"
    return "guided" if base_model.parameters() < settings.GUIDED_WRITER_BELOW else "direct"
