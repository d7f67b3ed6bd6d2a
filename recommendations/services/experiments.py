"""Experiments: how each arm does, what may be said of it at any moment, and ending them."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from recommendations.models import Experiment, Scenario
from recommendations.outcomes import experiment_outcomes
from recommendations.ranking.experiments import Comparison, Sample, compare, sample_ratio
from recommendations.services.scenarios import scenario_save
from recommendations.serving.settings import ScenarioSettings
from saas.errors import Conflict, Invalid

MOST_ARMS = 5
# Below it, people were not divided as the shares say.
RATIO_ALARM = 0.001
ERROR = 0.05


class ExperimentRunning(Conflict):
    code, title = (
        "experiment_running",
        gettext_lazy("An experiment is running on this scenario already."),
    )
    advice = gettext_lazy("Stop the running experiment first.")


@dataclass(frozen=True, slots=True)
class ArmReport:
    """One arm's people, their answers, and what became of them; against the control."""

    name: str
    share: float
    persons: int = 0
    answers: int = 0
    chosen: int = 0
    clicks: Sample = Sample(0, 0.0, 0.0)
    purchases: Sample = Sample(0, 0.0, 0.0)
    refusals: Sample = Sample(0, 0.0, 0.0)
    empty: Sample = Sample(0, 0.0, 0.0)
    click_change: Comparison | None = None
    purchase_change: Comparison | None = None
    worse: tuple[str, ...] = ()

    @property
    def click_percent(self) -> float:
        return 100 * self.clicks.mean

    @property
    def purchase_percent(self) -> float:
        return 100 * self.purchases.mean

    @property
    def refusal_percent(self) -> float:
        return 100 * self.refusals.mean

    @property
    def change(self) -> Comparison | None:
        """Of clicks, in points of percent; None for the control, or before enough is known."""
        found = self.click_change
        if found is None or math.isinf(found.low):
            return None
        return Comparison(100 * found.difference, 100 * found.low, 100 * found.high, found.p_value)


@dataclass(frozen=True, slots=True)
class Report:
    """All arms, the control first; `winner` is the name of the arm to keep, if one is known.

    `ratio_p` says how well people were divided; nothing is to be believed where that is alarming.
    """

    arms: list[ArmReport]
    ratio_p: float = 1.0
    winner: str = ""

    @property
    def ratio_alarm(self) -> bool:
        return self.ratio_p < RATIO_ALARM

    @property
    def broken(self) -> list[str]:
        """Arms that do harm: more is turned down, or more answers are empty."""
        return [arm.name for arm in self.arms if arm.worse]


def experiment_report(*, experiment: Experiment) -> Report:
    """What is known now. Asking often changes no error rate (see ranking.experiments)."""
    rows = experiment_outcomes(experiment)
    level = 1 - ERROR / max(1, len(experiment.arms) - 1)
    arms: list[ArmReport] = []
    for arm in experiment.arms:
        own = summed(arm["name"], float(arm["share"]), rows.get(arm["name"]))
        arms.append(compared(arms[0], own, level) if arms else own)
    ratio = sample_ratio([arm.persons for arm in arms], experiment.shares())
    return Report(arms, ratio, "" if ratio < RATIO_ALARM else best(arms, level))


def summed(name: str, share: float, row: tuple[Any, ...] | None) -> ArmReport:
    if row is None:
        return ArmReport(name, share)
    persons, answers, chosen = (int(value) for value in row[:3])
    click, squares, buy, refuse, empty, empty_squares = (float(value) for value in row[3:])
    return ArmReport(
        name,
        share,
        persons,
        answers,
        chosen,
        Sample(persons, click, squares),
        Sample.of_clicks(persons, int(buy)),
        Sample.of_clicks(persons, int(refuse)),
        Sample(persons, empty, empty_squares),
    )


def compared(control: ArmReport, arm: ArmReport, level: float) -> ArmReport:
    """The same with its differences from the control; the guardrails are looked at, too."""
    worse = []
    for name in ("refusals", "empty"):
        change = compare(getattr(control, name), getattr(arm, name), level=level)
        if change.difference > 0 and change.is_decided(level):
            worse.append(name)
    changes = {
        "click_change": compare(control.clicks, arm.clicks, level=level),
        "purchase_change": compare(control.purchases, arm.purchases, level=level),
    }
    values = {name: getattr(arm, name) for name in ArmReport.__dataclass_fields__}
    return ArmReport(**{**values, **changes, "worse": tuple(worse)})


def best(arms: Sequence[ArmReport], level: float) -> str:
    """The arm that is known to be chosen from more often than the control, or the control where
    every other is known to be chosen from less; "" while that is open."""
    others = [arm for arm in arms[1:] if arm.click_change is not None]
    decided = [arm for arm in others if arm.click_change.is_decided(level)]  # type: ignore[union-attr]
    better = [arm for arm in decided if arm.clicks.mean > arms[0].clicks.mean and not arm.worse]
    if better:
        return max(better, key=lambda arm: arm.clicks.mean).name
    return arms[0].name if decided and len(decided) == len(others) else ""


def experiment_start(
    *, scenario: Scenario, name: str, arms: Sequence[dict[str, Any]]
) -> Experiment:
    """Split the scenario's answers between arms: [{name, share, settings}], the control first."""
    refuse_arms(arms)
    kept = [{**arm, "settings": asdict(ScenarioSettings.of(arm["settings"]))} for arm in arms]
    try:
        with transaction.atomic():
            made: Experiment = Experiment.objects.create(scenario=scenario, name=name, arms=kept)
    except IntegrityError as error:
        raise ExperimentRunning from error
    return made


def refuse_arms(arms: Sequence[dict[str, Any]]) -> None:
    """Raise Invalid unless there are two to five arms of different names whose shares add up."""
    names = [arm["name"] for arm in arms]
    shares = [arm["share"] for arm in arms]
    detail = ""
    if not 2 <= len(arms) <= MOST_ARMS:
        detail = _("An experiment has from two to five arms.")
    elif len(set(names)) < len(names):
        detail = _("Give each arm a name of its own.")
    elif min(shares) <= 0 or abs(sum(shares) - 100) > 1e-6:
        detail = _("The shares must be above 0 and add up to 100.")
    if detail:
        raise Invalid(errors=[{"pointer": "/arms", "code": "invalid", "detail": detail}])


@transaction.atomic
def experiment_stop(*, experiment: Experiment, keep: str = "") -> Experiment:
    """End it; with `keep` that arm's settings become the scenario's own. Stopped once for all."""
    if experiment.state == Experiment.State.RUNNING:
        experiment.state = Experiment.State.STOPPED
        experiment.ended_at = timezone.now()
        experiment.save(update_fields=["state", "ended_at", "updated_at"])
    if arm := next((arm for arm in experiment.arms if arm["name"] == keep), None):
        settings = ScenarioSettings.of(arm["settings"])
        scenario_save(scenario=experiment.scenario, settings=settings)
    return experiment
