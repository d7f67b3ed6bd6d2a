"""Which model serves a job, resolved when it is asked for."""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from generation import writers
from generation.kinds.kind import Kind
from generation.models import Endpoint
from generation.serving import base_model
from generation.serving.backends import ECHO
from generation.writers import WriterName
from generation.writers.writer import Writer
from tenants.actors import current_actor
from tenants.models import ApiKey
from training.models import ModelVersion
from training.services.aliases import drawn_writer


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
    """For a test key the echo; else the workspace's own server where one is in use, else what is
    live here or its challenger.

    Raises AdapterNotAvailable or BaseMismatch where that cannot be used.
    """
    return echo_for_tests() or customer_endpoint() or choice_of(drawn_writer())


def echo_for_tests() -> ModelChoice | None:
    """The engine that says the same each time, free, where a test key asks; None for others."""
    key = current_actor().api_key
    if key is None or ApiKey.Scope.TEST not in key.scopes:
        return None
    return ModelChoice({"endpoint": ECHO}, charged=False)


def default_choice() -> ModelChoice:
    """What serves, whichever version is live: enough for an estimate, and it never raises."""
    return echo_for_tests() or customer_endpoint() or choice_of(None)


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
