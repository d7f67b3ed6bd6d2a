"""Experiments: what is said of them, and when."""

import numpy as np
import pytest
from django.utils import timezone

from recommendations.models import Experiment, Item, Recommendation, Scenario
from recommendations.services.experiments import (
    experiment_report,
    experiment_start,
    experiment_stop,
)
from recommendations.services.interactions import EventData, interactions_record
from recommendations.services.scenarios import scenario_save
from recommendations.serving.settings import ScenarioSettings

pytestmark = pytest.mark.django_db
PERSONS = 400


@pytest.fixture
def experiment(shop: dict[str, Item]) -> Experiment:
    home = scenario_save(scenario=Scenario(key="home", name="Home"), settings=ScenarioSettings())
    arms = [
        {"name": "now", "share": 50, "settings": {}},
        {"name": "tried", "share": 50, "settings": {"diversity": 0.5}},
    ]
    return experiment_start(scenario=home, name="Variety", arms=arms)


def answered(
    experiment: Experiment, rates: dict[str, float], type: str = "click", persons: int = PERSONS
) -> None:
    """Everybody asks once; some choose what they get."""
    chance, fern = np.random.default_rng(0), Item.objects.get(key="fern")
    events = []
    for arm, rate in rates.items():
        answers = Recommendation.objects.bulk_create(
            Recommendation(
                scenario=experiment.scenario, arm=arm, session=f"{arm}-{n}", items=[fern.number]
            )
            for n in range(persons)
        )
        events += [
            EventData(answer.session, "fern", type, timezone.now(), recomm_id=answer.pk)
            for answer in answers
            if chance.random() < rate
        ]
    interactions_record(events=events)


def test_a_clear_difference_is_told_and_kept(experiment: Experiment) -> None:
    answered(experiment, {"now": 0.1, "tried": 0.4})
    report = experiment_report(experiment=experiment)
    now, tried = report.arms
    assert (now.persons, tried.persons) == (PERSONS, PERSONS)
    assert (report.winner, report.ratio_alarm, report.broken) == ("tried", False, [])
    assert tried.change is not None
    assert tried.change.low > 0
    experiment_stop(experiment=experiment, keep=report.winner)
    assert experiment.scenario.settings["diversity"] == 0.5


def test_no_difference_and_few_people_are_left_open(experiment: Experiment) -> None:
    assert experiment_report(experiment=experiment).winner == ""
    answered(experiment, {"now": 0.2, "tried": 0.2})
    assert experiment_report(experiment=experiment).winner == ""


def test_lost_people_raise_an_alarm_and_no_winner(experiment: Experiment) -> None:
    answered(experiment, {"now": 0.1}, persons=500)
    answered(experiment, {"tried": 0.6}, persons=200)
    report = experiment_report(experiment=experiment)
    assert (report.ratio_alarm, report.winner) == (True, "")


def test_harm_is_noticed(experiment: Experiment) -> None:
    answered(experiment, {"now": 0.02, "tried": 0.3}, type="dismiss")
    report = experiment_report(experiment=experiment)
    assert (report.broken, report.winner) == (["tried"], "")


def test_what_came_before_or_after_does_not_count(experiment: Experiment) -> None:
    experiment_stop(experiment=experiment)
    answered(experiment, {"now": 0.1, "tried": 0.4})
    assert [arm.answers for arm in experiment_report(experiment=experiment).arms] == [0, 0]
