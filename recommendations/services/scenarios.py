"""Scenarios and experiments: every change of settings is a version; undo is the one before."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from recommendations.models import Experiment, Scenario, ScenarioVersion
from recommendations.serving.settings import ScenarioSettings
from saas.errors import Conflict, Invalid
from tenants.actors import current_actor

MOST_ARMS = 5


class NothingToUndo(Conflict):
    code, title = "nothing_to_undo", gettext_lazy("There is no earlier version.")
    advice = gettext_lazy("The scenario has had these settings from the start.")


class ExperimentRunning(Conflict):
    code, title = (
        "experiment_running",
        gettext_lazy("An experiment is running on this scenario already."),
    )
    advice = gettext_lazy("Stop the running experiment first.")


@transaction.atomic
def scenario_save(*, scenario: Scenario, settings: ScenarioSettings) -> Scenario:
    """Store the scenario with these settings as its newest version."""
    kept = asdict(settings)
    fresh = scenario._state.adding
    if not fresh and scenario.settings == kept:
        scenario.save()
        return scenario
    scenario.number = 1 if fresh else scenario.number + 1
    scenario.settings = kept
    scenario.save()
    ScenarioVersion.objects.create(
        scenario=scenario,
        number=scenario.number,
        settings=kept,
        created_by=current_actor().user,
    )
    return scenario


def scenario_undo(*, scenario: Scenario) -> Scenario:
    """Make the settings before the newest ones the newest; again, and it goes to and fro."""
    before = scenario.versions.filter(number__lt=scenario.number).order_by("-number").first()
    if before is None:
        raise NothingToUndo
    return scenario_save(scenario=scenario, settings=ScenarioSettings.of(before.settings))


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


def experiment_stop(*, experiment: Experiment) -> Experiment:
    if experiment.state == Experiment.State.RUNNING:
        experiment.state = Experiment.State.STOPPED
        experiment.ended_at = timezone.now()
        experiment.save(update_fields=["state", "ended_at", "updated_at"])
    return experiment
