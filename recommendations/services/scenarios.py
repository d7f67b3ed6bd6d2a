"""Scenarios: every change of settings is a version; undo is the one before."""

from dataclasses import asdict

from django.db import transaction
from django.utils.translation import gettext_lazy

from recommendations.models import Scenario, ScenarioVersion
from recommendations.serving.settings import ScenarioSettings
from saas.errors import Conflict
from tenants.actors import current_actor


class NothingToUndo(Conflict):
    code, title = "nothing_to_undo", gettext_lazy("There is no earlier version.")
    advice = gettext_lazy("The scenario has had these settings from the start.")


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
