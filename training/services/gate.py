"""What it takes to go live without anybody's word: a win that is sure enough."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from tenants.actors import require
from tenants.events import record
from training.models import ModelPolicy, ModelSwitch, ModelVersion


@dataclass(frozen=True, slots=True)
class Proof:
    """How a version did on the test rows against what is live, as far as that was measured."""

    measured: bool
    gain: float = 0.0
    p_value: float = 1.0

    def won(self, confidence: int) -> bool:
        return self.measured and self.gain > 0 and self.p_value <= 1 - confidence / 100


@dataclass(frozen=True, slots=True)
class Gate:
    """What holds for whoever wants to go live now: `been_live` are the versions that once were."""

    confidence: int
    live: ModelVersion | None
    been_live: frozenset[UUID]

    def proof(self, version: ModelVersion) -> Proof:
        """The measurement of the version's run, where that was against what is live now."""
        found = version.evaluation
        if self.live is None:
            against = found
        elif found.get("champion_sha256") == self.live.sha256:
            against = found.get("over_champion") or {}
        else:
            against = {}
        if "p_value" not in against:
            return Proof(measured=False)
        return Proof(measured=True, gain=against["gain"], p_value=against["p_value"])

    def opens_for(self, version: ModelVersion) -> bool:
        """Without anybody's word: it has won, was live before, or comes from elsewhere.

        A head has won or not by the measure of its own run.
        """
        if not version.evaluation or version.pk in self.been_live:
            return True
        if not version.writes:
            return bool(version.evaluation.get("won", True))
        return self.proof(version).won(self.confidence)


def gate_now() -> Gate:
    been = ModelSwitch.objects.exclude(version=None).values_list("version_id", flat=True)
    writing = ModelSwitch.objects.of(None).latest_first().first()
    return Gate(confidence(), writing.version if writing else None, frozenset(been))


def confidence() -> int:
    """In percent, how sure the workspace wants to be."""
    policy = ModelPolicy.objects.first()
    return policy.confidence if policy else ModelPolicy().confidence


@transaction.atomic
def confidence_set(*, percent: int) -> int:
    require("owner")
    policy = ModelPolicy.objects.first() or ModelPolicy()
    policy.confidence = percent
    policy.save()
    record("model.confidence_set", policy, confidence=percent)
    return percent
